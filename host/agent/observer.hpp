// SPDX-License-Identifier: Apache-2.0
// Asks isolated plugins about roles on threads of its own, so that a plugin that is slow or hangs
// keeps no heartbeat and no other role waiting: a look takes what is there after a moment, and a
// late answer asks for another look. One look at a time uses it.
#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "host/agent/keyed_workers.hpp"
#include "host/agent/role_plugins.hpp"

namespace rolesync::agent {

// What its plugins say about a role on this node.
struct Observation {
  std::optional<ServiceState> service;  // nothing: the role has none
  Detection detection;
};

class Observer {
 public:
  using Clock = std::chrono::steady_clock;
  // `late`: an answer came after the look that wanted it. Any thread of ours.
  explicit Observer(std::function<void()> late) : late_(std::move(late)) {}
  ~Observer();  // cancels what is being asked, and waits for its end

  using Ask = std::function<Observation(const CancelFlag& cancelled)>;
  // Unless an answer is under way, or a late one has not been taken yet. Questions to one `plugin`
  // are asked one after another.
  void begin(const std::string& role, const std::string& plugin, Ask ask);
  // The answer; when it does not come until then, or was late already when begin() was called, the
  // one before; without one, state unknown.
  Observation take(const std::string& role, Clock::time_point until);

 private:
  struct Entry {
    bool asking = false;   // an answer is under way
    bool overdue = false;  // a look has gone on without it
    bool fresh = false;    // there is an answer that nobody has taken
    std::optional<Observation> answer;
  };
  void answered(const std::string& role, Observation observation);

  const std::function<void()> late_;
  CancelFlag cancelled_{false};
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::map<std::string, Entry> entries_;
  std::unique_ptr<KeyedWorkers> workers_;  // made with the first question; last: uses the others
};

}  // namespace rolesync::agent
