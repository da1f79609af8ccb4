// SPDX-License-Identifier: Apache-2.0
// What this node's own config allows, whatever the server or a plugin asks for. Every refusal names
// the rule that refused. Pure but for the resolution of symlinks; any thread.
#pragma once
#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/values/result.hpp"

namespace rolesync {

struct Limits {
  std::vector<std::string> allowed_roots;  // absolute directories; roles live beneath them
  // Globs of unit names, without ".service"; "user:NAME/glob" for units of that user's manager.
  std::vector<std::string> allowed_units;
  bool commands_allowed = false;           // may programs of roles be run at all
  bool commands_as_root = false;           // and by root, when the files are root's
  std::vector<std::string> command_users;  // by these only; empty: by whoever owns the files
  // Where the config says so, for refusals: key -> "/etc/rolesync/agent.toml:3".
  std::map<std::string, std::string> places;
  std::string config_file;  // for keys that it does not hold
};

// "allowed_roots, /etc/rolesync/agent.toml:3": what somebody has to look at.
std::string rule_of(const Limits& limits, const std::string& key);

// The longest allowed root that contains `path` (itself, its parents and symlinks resolved as far
// as they exist). Error: denied/path_not_allowed.
Result<std::string> allowed_root_of(const Limits& limits, const std::string& path);

// Error: denied/unit_not_allowed.
Status check_unit(const Limits& limits, const std::string& unit);

// As whom a command of a role runs.
struct RunAs {
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
};

// The owner of a role's files runs its commands. Errors: denied/commands_not_allowed,
// denied/command_as_root, denied/command_user_not_allowed.
Result<RunAs> command_user(const Limits& limits, uid_t owner, gid_t group);

}  // namespace rolesync
