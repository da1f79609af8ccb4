// SPDX-License-Identifier: Apache-2.0
// Who is waiting for which upgraded connection. A part of the server that needs bytes from a node
// says so here, sends the id to the node in a command, and gets the stream when the node opens it.
// Any thread.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "server/http/router.hpp"

namespace rolesync::http {

class StreamBroker {
 public:
  StreamBroker();
  ~StreamBroker();  // whoever still waits is told that it expired
  StreamBroker(const StreamBroker&) = delete;
  StreamBroker& operator=(const StreamBroker&) = delete;

  // A new stream id, good for one connection of this node until the time is over. Then, when nobody
  // came, `on_expired` is called once from the broker's thread.
  std::string expect(std::string node_id, std::chrono::milliseconds time_to_live, StreamOwner owner,
                     std::function<void()> on_expired = {});

  // Uses the id up. not_found/stream_unknown: never expected, used, expired or of another node.
  Result<StreamOwner> claim(const std::string& node_id, const std::string& stream_id);

  // The id is not wanted any more; neither function will be called. False: it was claimed already.
  bool withdraw(const std::string& stream_id);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rolesync::http
