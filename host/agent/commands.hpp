// SPDX-License-Identifier: Apache-2.0
// Takes the server's commands: once per id, never with an old fence, never two at a time on one
// target. What has been accepted survives our death. Any thread.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "host/agent/config.hpp"
#include "host/agent/keyed_workers.hpp"
#include "host/agent/rotation.hpp"
#include "host/agent/tasks.hpp"
#include "host/values/json.hpp"

namespace rolesync::agent {

class Commands {
 public:
  struct Callbacks {
    std::function<void()> refresh;
    std::function<Status(const std::string& plugin)> unquarantine;
    std::function<void(const std::string& inquiry_id)> inquire;
  };
  Commands(const AgentConfig& config, ServerLink& link, Tasks& tasks, Callbacks callbacks,
           Rotation& rotation);
  ~Commands();

  // Acts on the commands of a heartbeat's answer; true when one of them was new. What is malformed
  // is logged and acknowledged.
  bool take(const Json& list);
  // The ids to acknowledge with the next heartbeat; confirm() when the server has seen them.
  std::vector<std::string> to_acknowledge() const;
  void confirm(const std::vector<std::string>& ids);
  // Goes on with a rotation that an earlier process began.
  void finish_rotation();
  void stop();

 private:
  void act(const std::string& id, const Json& command);
  void serve_source(const Json& payload);
  bool is_known(const std::string& id) const;
  void remember(const std::string& id);
  void load();

  const AgentConfig& config_;
  ServerLink& link_;
  Tasks& tasks_;
  const Callbacks callbacks_;
  Rotation& rotation_;
  const std::string file_;
  mutable std::mutex mutex_;
  std::set<std::string> known_;
  std::deque<std::string> order_;  // of known_, oldest first
  std::set<std::string> unacknowledged_;
  CancelFlag stopping_{false};
  KeyedWorkers sources_{"sources", 2};
  std::unique_ptr<KeyedWorkers> rotations_;  // made with the first one
};

}  // namespace rolesync::agent
