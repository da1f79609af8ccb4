// SPDX-License-Identifier: Apache-2.0
// A role: what part of the repository goes where, how it gets there, how it is restarted and
// checked. The server makes the one effective definition (plugin default, overridden field by
// field) and sends it to agents; both sides read it with the functions here. Pure; any thread.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/values/json.hpp"
#include "host/values/result.hpp"

namespace rolesync {

enum class SyncType { component, package };
enum class AutoRestart { no, yes };
enum class Activation { in_place, swap };
enum class SwitchMode { live, stopped };
enum class OnDrift { replace, refuse };
enum class SelfUpdate { none, agent, server };

// A program and its arguments. In JSON: an array of strings, or one string, which means
// ["sh", "-c", string] and needs the scope role:command. Empty: nothing to run.
using Command = std::vector<std::string>;

struct Role {
  std::string name;
  std::string display_name;
  SyncType sync_type = SyncType::component;
  std::vector<std::string> source_paths;  // repository paths without trailing '/'; or "from:to"
  std::string target_path;                // empty: a role without files (code-source)
  std::string systemd_service;            // unit name without ".service"; empty: none
  AutoRestart auto_restart = AutoRestart::no;
  std::optional<int> health_check_port;
  std::string health_check_path;  // HTTP path; empty: the port must accept a connection
  Command pre_sync_cmd;
  Command post_sync_cmd;
  Command drain_cmd;    // before what leads to a restart: takes the node out of use, and waits
  Command undrain_cmd;  // puts it back into use once its service is well; after a rollback too
  std::optional<int> command_timeout_seconds;  // of each; the node's own limit is the ceiling

  std::string code_source = "main";
  std::string deployer;          // plugin id; the sync type's default when not given
  std::string detector;          // plugin id
  std::string restart_strategy;  // plugin id
  std::map<std::string, std::string> restart_options;  // text options of that strategy
  Activation activation = Activation::in_place;
  SwitchMode switch_mode = SwitchMode::live;
  std::vector<std::string> carry;    // unmanaged directories that `swap` carries over
  std::string owner;                 // "user" or "user:group"; empty: owner of the target
  std::vector<std::string> exclude;  // repository paths under a source path that are left out
  OnDrift on_drift = OnDrift::replace;
  int order = 100;  // lower first; slm-server and slm-agent go last
  SelfUpdate self = SelfUpdate::none;
  bool required = false;

  bool operator==(const Role&) const = default;
};

// Which plugin serves a role that does not say so. The only place where ids are known outside
// plugins/: configuration defaults of server and agent fill it.
struct RoleDefaults {
  std::string component_deployer;
  std::string package_deployer;
  std::string detector;
  std::string restart_strategy;      // for roles with a service
  std::string serviceless_strategy;  // for roles without one
};

// Strict: unknown fields, wrong types and bad values are refused, each with its JSON pointer.
// Absent fields take the defaults above; deployer, detector and restart_strategy stay empty.
Result<Role> role_from_json(const Json& object);

// All fields of the API, in the API's shape.
Json role_to_json(const Role& role);

// The names of the fields of role_to_json: what may be overridden, filtered, shown.
const std::vector<std::string>& role_fields();

// Fills empty plugin ids; refuses a deployer that contradicts the sync type.
Status apply_defaults(Role& role, const RoleDefaults& defaults);

// "rr1:" + sha256 over the canonical JSON: equal exactly when the definitions are equal. Fields
// that came after the first release count only when they are used, so that old revisions stay.
std::string role_revision(const Role& role);

bool uses_shell(const Command& command);  // it was given as one string

// Those that the role has, in the order in which they run, with the names of their fields.
struct NamedCommand {
  const char* field;
  const Command* command;
};
std::vector<NamedCommand> commands_of(const Role& role);

}  // namespace rolesync
