// SPDX-License-Identifier: Apache-2.0
// What systemd is told of the agent: that it is ready, how it is, and, as long as every thread of
// it gets on, that it lives; when it is told that no more, it starts the agent again. Owns one
// thread.
#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "host/agent/liveness.hpp"

namespace rolesync::agent {

// While a start takes long (recovery of many files): asks for more time again and again.
class StartInProgress {
 public:
  StartInProgress();
  ~StartInProgress();

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool over_ = false;
  std::thread thread_;
};

class Supervision {
 public:
  // `status`: one line for people.
  Supervision(const Liveness& liveness, std::function<std::string()> status);
  ~Supervision();

 private:
  void run();
  void tell();
  const Liveness& liveness_;
  const std::function<std::string()> status_;
  std::string told_;
  bool hangs_ = false;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace rolesync::agent
