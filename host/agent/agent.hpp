// SPDX-License-Identifier: Apache-2.0
// The agent in one piece: makes its parts in order, and ends them in the reverse order. One thread
// makes and destroys it.
#pragma once
#include <memory>
#include <string>

#include "host/agent/config.hpp"
#include "host/values/result.hpp"

namespace rolesync::agent {

class Agent {
 public:
  // Recovers what was interrupted, loads plugins, and starts to talk. The config must outlive it.
  static Result<std::unique_ptr<Agent>> start(const AgentConfig& config);
  ~Agent();
  // Interrupts all waiting; the destructor then returns soon.
  void stop();
  // The program at our path is to go on as this process; SIGUSR1 tells it to the main thread.
  bool wants_restart() const;

 private:
  Agent();
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace rolesync::agent
