// SPDX-License-Identifier: Apache-2.0
// Reads every byte of a role's files again, as once a day and after a boot that followed no clean
// end. In slices, on a thread of its own: no heartbeat waits for it, and a task that wants the
// installation gets it in between. Any thread.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "host/agent/installations.hpp"
#include "host/agent/keyed_workers.hpp"
#include "host/process/child.hpp"

namespace rolesync::agent {

class Rereader {
 public:
  // `done` is called with the role's name when its files have been read, or cannot be.
  Rereader(Installations& installations, std::function<void(const std::string& role)> done)
      : installations_(installations), done_(std::move(done)) {}
  ~Rereader();  // waits for the end of a slice

  // Unless it is at it already.
  void begin(const Role& role);
  // Once, after the end: how it went. Nothing: it is not over, or was never begun.
  std::optional<Status> take(const std::string& role);

 private:
  Status read(const Role& role) const;

  Installations& installations_;
  const std::function<void(const std::string&)> done_;
  CancelFlag cancelled_{false};
  std::mutex mutex_;
  std::map<std::string, std::optional<Status>> ends_;  // of what was begun; nothing: not yet
  std::unique_ptr<KeyedWorkers> worker_;  // made with the first order; last: uses the others
};

}  // namespace rolesync::agent
