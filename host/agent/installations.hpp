// SPDX-License-Identifier: Apache-2.0
// Every role's installation on this node, opened once, used by one thread at a time. Remembers in
// <state_dir>/roles/ where each role went, so that recovery at start needs no server. Any thread.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "host/activation/installation.hpp"
#include "host/agent/config.hpp"
#include "host/role/role.hpp"

namespace rolesync::agent {

// The right to use one installation; others wait, or do without.
class Held {
 public:
  Installation* operator->() const { return installation_; }
  Installation& operator*() const { return *installation_; }

 private:
  friend class Installations;
  Held(std::unique_lock<std::mutex> lock, Installation* installation)
      : lock_(std::move(lock)), installation_(installation) {}
  std::unique_lock<std::mutex> lock_;
  Installation* installation_;
};

class Installations {
 public:
  Installations(FileSystem& fs, const AgentConfig& config);

  // Waits for its turn. Errors: denied/path_not_allowed, conflict/target_changed, or what opening
  // says.
  Result<Held> hold(const Role& role);
  // Nothing when somebody else uses it now, or when the role has no state on this node yet.
  std::optional<Held> try_hold(const Role& role);

  // To be called before the first switch: afterwards known_roles() has it.
  Status remember(const Role& role);
  // The roles that were ever deployed here, as they were last seen.
  std::vector<Role> known_roles() const;

 private:
  struct Entry {
    std::mutex mutex;
    std::unique_ptr<Installation> installation;
    std::string target, owner;
  };
  std::shared_ptr<Entry> entry(const std::string& role);
  Result<Held> open(Entry& entry, std::unique_lock<std::mutex> lock, const Role& role);
  std::string memory_path(const std::string& role) const;

  FileSystem& fs_;
  const AgentConfig& config_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;
};

}  // namespace rolesync::agent
