// SPDX-License-Identifier: Apache-2.0
#include <pwd.h>
#include <unistd.h>

#include "host/agent/doctor/checks.hpp"
#include "host/agent/doctor/trusted_path.hpp"

namespace rolesync::agent::doctor {

Finding check_config_file(const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0) {
    return warning("config.file", "config_absent",
                   "there is no " + path + ", so nothing is allowed on this node",
                   "write one with allowed_roots at least (docs/agent.md), or name it by --config");
  }
  if (const auto problem = unsafe_owner(path)) {
    return failure("config.file", "config_unsafe",
                   *problem + ", who could widen what the agent allows",
                   "chown root " + path + " and chmod go-w it and the directories above it");
  }
  return fine("config.file", path + " is read strictly and safely owned");
}

Finding check_completeness(const AgentConfig& config) {
  if (Status complete = check_config(config); !complete) {
    return failure("config.complete", complete.error());
  }
  if (config.limits.allowed_roots.empty()) {
    return warning("config.complete", "nothing_allowed",
                   "allowed_roots is empty: no role with files can be deployed here",
                   "name the directories above the roles' targets in allowed_roots");
  }
  return fine("config.complete", "node " + config.node_id + " of " + config.server_urls.front());
}

Finding check_command_user(const AgentConfig& config, const std::vector<Role>& roles) {
  if (!config.limits.commands_allowed) {
    return fine("config.commands", "roles may not run commands on this node");
  }
  for (const Role& role : roles) {
    const std::string user = role.owner.substr(0, role.owner.find(':'));
    if (user.empty() || ::getpwnam(user.c_str())) continue;
    return failure("config.commands", "user_unknown",
                   "role " + role.name + " belongs to the user " + user +
                       ", who does not exist on this machine",
                   "useradd --system " + user + ", or change the role's owner");
  }
  if (::geteuid() != 0) {
    return fine("config.commands", "commands of roles run as the agent's own user");
  }
  return fine("config.commands", config.limits.commands_as_root
                                     ? "commands run as the owner of the role's files, root too"
                                     : "commands run as the owner of the role's files, never root");
}

}  // namespace rolesync::agent::doctor
