// SPDX-License-Identifier: Apache-2.0
#include "host/agent/role_commands.hpp"

#include <unistd.h>

#include <filesystem>

#include "host/agent/role_plugins.hpp"
#include "host/services/limits.hpp"
#include "host/services/node_services.hpp"

namespace rolesync::agent {
namespace {

Result<RunAs> user_for(const AgentConfig& config, const Role& role) {
  Result<FileOwner> owner = owner_of_files(role);
  if (!owner) return owner.error();
  return command_user(config.limits, owner->uid, owner->gid);
}

// Before a first install there is no target yet.
std::string nearest_directory(const std::string& target) {
  std::filesystem::path path(target);
  std::error_code failure;
  while (!std::filesystem::is_directory(path, failure) && path.has_relative_path()) {
    path = path.parent_path();
  }
  return path;
}

}  // namespace

Status check_commands(const AgentConfig& config, const Role& role) {
  if (role.pre_sync_cmd.empty() && role.post_sync_cmd.empty()) return {};
  Result<RunAs> user = user_for(config, role);
  return user.ok() ? Status{} : Status{user.error()};
}

CommandOutcome run_role_command(const AgentConfig& config, const RoleCommand& order,
                                const CancelFlag* cancelled) {
  Result<RunAs> user = user_for(config, order.role);
  if (!user) return {user.error(), ""};
  ChildSpec spec;
  spec.argv = order.command;
  spec.directory = nearest_directory(order.role.target_path);
  spec.uid = user->uid;
  spec.gid = user->gid;
  spec.environment = minimal_environment(user->uid.value_or(::geteuid()));
  spec.environment["ROLESYNC_ROLE"] = order.role.name;
  spec.environment["ROLESYNC_COMMIT"] = order.commit;
  spec.environment["ROLESYNC_ACTION"] = order.action;
  spec.environment["ROLESYNC_TARGET"] = order.role.target_path;
  if (!config.health_address.empty()) {
    spec.environment["ROLESYNC_ADDRESS"] = config.health_address;
  }
  spec.time_limit = config.command_limit;
  spec.cancelled = cancelled;
  spec.term_grace = std::chrono::milliseconds(500);  // the agent itself ends within a second
  Result<ChildResult> result = run_child(spec);
  if (!result) return {result.error(), ""};
  CommandOutcome outcome{{}, result->output + result->errors};
  if (!result->succeeded()) {
    outcome.status =
        Error{result->timed_out ? ErrorKind::timeout : ErrorKind::failed,
              result->timed_out ? "command_timeout" : "command_failed",
              std::string(order.what) + " of role " + order.role.name + ": " + result->explain(),
              "look at its output, and try it by hand in " + spec.directory};
  }
  return outcome;
}

}  // namespace rolesync::agent
