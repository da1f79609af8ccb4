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
  // Nothing when somebody else uses it now, or when nothing of the role was ever installed here.
  // Errors: failed/state_missing when something was, its files are there, and the record is gone;
  // state_damaged and whatever else opening says.
  Result<std::optional<Held>> try_hold(const Role& role);
  // The same, but waits for its turn.
  Result<std::optional<Held>> hold_known(const Role& role);
  // For a tree that is to be adopted: a state that is damaged or of a newer version is put aside
  // first; `aside` gets its new place, or "".
  Result<Held> hold_for_adoption(const Role& role, std::string& aside);

  // Where the role goes on this node. Errors: denied/path_not_allowed.
  Result<InstallationOptions> options_for(const Role& role) const;

  // To be called before the first switch: afterwards known_roles() has it.
  Status remember(const Role& role);
  // The roles that were ever deployed here, as they were last seen.
  std::vector<Role> known_roles() const;

 private:
  struct Entry {
    std::mutex mutex;
    std::unique_ptr<Installation> installation;
    std::string target, owner;
    bool noted = false;   // that something is installed
    std::string trouble;  // as logged last
  };
  std::shared_ptr<Entry> entry(const std::string& role);
  Result<Held> open(Entry& entry, std::unique_lock<std::mutex> lock, const Role& role);
  Result<std::optional<Held>> open_known(Entry& entry, std::unique_lock<std::mutex> lock,
                                         const Role& role);
  Status check_presence(Entry& entry, const Role& role);
  std::string note_path(const std::string& role) const;
  std::string memory_path(const std::string& role) const;

  FileSystem& fs_;
  const AgentConfig& config_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;
};

// Nothing lies where a first install would put the role's files.
bool target_is_empty(const Role& role);

}  // namespace rolesync::agent
