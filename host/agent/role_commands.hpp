// SPDX-License-Identifier: Apache-2.0
// Runs a role's own commands: argv in the target directory, as the owner of its files, with a
// minimal environment, within the node's limits, and ends all that they leave behind. Any thread.
#pragma once
#include <functional>
#include <string>
#include <string_view>

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
  std::string task_id;
  // What it writes, while it runs: the end of it, at most once a second, and rarer as it lasts.
  std::function<void(std::chrono::seconds running, std::string_view tail)> progress = {};
};

// Its output, stdout then stderr, of each the head and the tail when it is much. Errors:
// failed/command_failed, timeout/command_timeout, denied/commands_not_allowed,
// denied/command_as_root.
struct CommandOutcome {
  Status status;
  std::string output;
};
CommandOutcome run_role_command(const AgentConfig& config, const RoleCommand& order,
                                const CancelFlag* cancelled);

// Ends what a command of this task still runs, after our own death; how many processes that were.
std::size_t end_left_commands(const AgentConfig& config, const std::string& task_id);

// Whether the node would run the role's commands at all; to be asked before anything is switched.
Status check_commands(const AgentConfig& config, const Role& role);

}  // namespace rolesync::agent
