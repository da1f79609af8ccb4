// SPDX-License-Identifier: Apache-2.0
// Brings the queue's events to the server, in order, when no heartbeat takes them along first;
// keeps trying with growing pauses while the server is away. Owns one thread.
#pragma once
#include <memory>
#include <string>
#include <thread>

#include "host/agent/event_queue.hpp"
#include "host/agent/server_link.hpp"

namespace rolesync::agent {

class EventSender {
 public:
  EventSender(EventQueue& queue, ServerLink& link);
  ~EventSender();  // ends within a second; what was not sent stays in the queue
  void start();

 private:
  void run();
  EventQueue& queue_;
  ServerLink& link_;
  std::thread thread_;
};

}  // namespace rolesync::agent
