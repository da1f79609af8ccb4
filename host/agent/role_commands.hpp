// SPDX-License-Identifier: Apache-2.0
// Runs a role's own commands: argv in the target directory, as the owner of its files, with a
// minimal environment, within the node's limits. Any thread.
#pragma once
#include <string>

#include "host/agent/config.hpp"
#include "host/process/child.hpp"
#include "host/role/role.hpp"

namespace rolesync::agent {

struct RoleCommand {
  const Role& role;
  const Command& command;
  std::string commit;
  std::string action;  // "sync" or "rollback", as ROLESYNC_ACTION
  const char* what;    // "pre_sync_cmd", for messages
};

// Its output, stdout then stderr. Errors: failed/command_failed, timeout/command_timeout,
// denied/commands_not_allowed, denied/command_as_root.
struct CommandOutcome {
  Status status;
  std::string output;
};
CommandOutcome run_role_command(const AgentConfig& config, const RoleCommand& order,
                                const CancelFlag* cancelled);

// Whether the node would run the role's commands at all; to be asked before anything is switched.
Status check_commands(const AgentConfig& config, const Role& role);

}  // namespace rolesync::agent
