// SPDX-License-Identifier: Apache-2.0
// A restart, start or stop of one role that a person ordered apart from any sync. It is remembered
// across our own death like a task, and reported with events of the same shape. Plain values and
// their records, one durable file each; one writer per action.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "host/role/role.hpp"
#include "host/values/json.hpp"
#include "host/values/result.hpp"

namespace rolesync::agent {

struct RoleAction {
  std::string id;
  std::string action;  // restart, start, stop
  Role role;
  std::uint64_t fence = 0;
  std::uint64_t next_sequence = 1;  // of its events

  // Actions and tasks of one target never run side by side.
  std::string target() const { return role.target_path.empty() ? role.name : role.target_path; }
};

// Strict. Error: invalid/invalid_command.
Result<RoleAction> role_action_from_json(const Json& payload, std::uint64_t fence);

class RoleActionStore {
 public:
  explicit RoleActionStore(std::string directory) : directory_(std::move(directory)) {}
  Status save(const RoleAction& action);
  std::vector<RoleAction> load_all() const;  // damaged ones are logged and put aside
  void remove(const std::string& id);

 private:
  std::string path(const std::string& id) const;
  const std::string directory_;
};

}  // namespace rolesync::agent
