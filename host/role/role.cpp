// SPDX-License-Identifier: Apache-2.0
#include "host/role/role.hpp"

#include <functional>
#include <nlohmann/json.hpp>

#include "host/values/hash.hpp"
#include "host/values/names.hpp"

namespace rolesync {
namespace {

template <class E>
using Words = std::vector<std::pair<E, const char*>>;

const Words<SyncType> sync_types = {{SyncType::component, "component"},
                                    {SyncType::package, "package"}};
const Words<Activation> activations = {{Activation::in_place, "in_place"},
                                       {Activation::swap, "swap"}};
const Words<SwitchMode> switch_modes = {{SwitchMode::live, "live"},
                                        {SwitchMode::stopped, "stopped"}};
const Words<OnDrift> on_drifts = {{OnDrift::replace, "replace"}, {OnDrift::refuse, "refuse"}};
const Words<SelfUpdate> selves = {
    {SelfUpdate::none, "none"}, {SelfUpdate::agent, "agent"}, {SelfUpdate::server, "server"}};

template <class E>
const char* word_of(const Words<E>& words, E value) {
  for (const auto& [candidate, word] : words) {
    if (candidate == value) return word;
  }
  return "";
}

// Collects what is wrong with a role instead of stopping at the first fault.
struct Reader {
  const Json& object;
  std::vector<FieldError> faults;

  void fault(const std::string& field, std::string detail) {
    faults.push_back({"/" + field, std::move(detail)});
  }

  const Json* find(const char* field) const {
    const auto it = object.find(field);
    return it == object.end() || it->is_null() ? nullptr : &*it;
  }

  void text(const char* field, std::string& out) {
    const Json* value = find(field);
    if (!value) return;
    if (!value->is_string()) return fault(field, "must be a string");
    out = value->get<std::string>();
    if (out.find('\0') != std::string::npos) fault(field, "must not hold a NUL character");
  }

  void texts(const char* field, std::vector<std::string>& out) {
    const Json* value = find(field);
    if (!value) return;
    if (!value->is_array()) return fault(field, "must be an array of strings");
    for (const Json& item : *value) {
      if (!item.is_string()) return fault(field, "must be an array of strings");
      out.push_back(item.get<std::string>());
    }
  }

  void flag(const char* field, bool& out) {
    const Json* value = find(field);
    if (!value) return;
    if (!value->is_boolean()) return fault(field, "must be true or false");
    out = value->get<bool>();
  }

  template <class E>
  void word(const char* field, const Words<E>& words, E& out) {
    const Json* value = find(field);
    if (!value) return;
    std::string expected;
    for (const auto& [candidate, text] : words) {
      if (value->is_string() && value->get_ref<const std::string&>() == text) {
        out = candidate;
        return;
      }
      expected += std::string(expected.empty() ? "" : ", ") + text;
    }
    fault(field, "must be one of " + expected);
  }

  void command(const char* field, Command& out) {
    const Json* value = find(field);
    if (!value) return;
    if (value->is_string()) {
      const auto line = value->get<std::string>();
      if (!line.empty()) out = {"sh", "-c", line};
      return;
    }
    texts(field, out);
    if (!out.empty() && out.front().empty()) fault(field, "the program's name is empty");
  }

  void plugin_id(const char* field, std::string& out) {
    text(field, out);
    if (!out.empty() && !is_plugin_id(out)) fault(field, "is not a plugin id");
  }
};

std::string without_trailing_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

void read_source_paths(Reader& in, Role& role) {
  in.texts("source_paths", role.source_paths);
  for (std::size_t i = 0; i < role.source_paths.size(); ++i) {
    std::string& source = role.source_paths[i];
    const std::string pointer = "source_paths/" + std::to_string(i);
    const auto colon = source.find(':');
    const std::string from = without_trailing_slash(source.substr(0, colon));
    const std::string to =
        colon == std::string::npos ? "." : without_trailing_slash(source.substr(colon + 1));
    for (const std::string& part : {from, to}) {
      if (part == ".") continue;
      if (!is_relative_path(part)) {
        in.fault(pointer, "\"" + part + "\" is not a relative path without \"..\"");
      } else if (part.front() == '-') {
        in.fault(pointer, "\"" + part + "\" starts with '-'");
      }
    }
    source = colon == std::string::npos ? from : from + ":" + to;
  }
  in.texts("exclude", role.exclude);
  for (std::string& path : role.exclude) {
    path = without_trailing_slash(path);
    if (!is_relative_path(path)) in.fault("exclude", "\"" + path + "\" is not a relative path");
  }
}

void read_health(Reader& in, Role& role) {
  if (const Json* port = in.find("health_check_port")) {
    if (!port->is_number_integer() || port->get<std::int64_t>() < 1 ||
        port->get<std::int64_t>() > 65535) {
      in.fault("health_check_port", "must be a number from 1 to 65535");
    } else {
      role.health_check_port = port->get<int>();
    }
  }
  in.text("health_check_path", role.health_check_path);
  if (!role.health_check_path.empty()) {
    if (role.health_check_path.front() != '/') in.fault("health_check_path", "must start with '/'");
    for (const char c : role.health_check_path) {
      if (static_cast<unsigned char>(c) <= 32) {
        in.fault("health_check_path", "must not hold blanks or control characters");
        break;
      }
    }
    if (!in.find("health_check_port")) in.fault("health_check_path", "needs health_check_port");
  }
}

void read_restart(Reader& in, Role& role) {
  bool restart = false;
  in.flag("auto_restart", restart);
  role.auto_restart = restart ? AutoRestart::yes : AutoRestart::no;
  in.plugin_id("restart_strategy", role.restart_strategy);
  in.text("systemd_service", role.systemd_service);
  const std::string& unit = role.systemd_service;
  if (!unit.empty() &&
      (unit.front() == '-' ||
       unit.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "0123456789:-_.\\@") != std::string::npos)) {
    in.fault("systemd_service", "is not a unit name");
  }
  if (const Json* options = in.find("restart_options")) {
    if (!options->is_object()) return in.fault("restart_options", "must be an object");
    for (const auto& [key, value] : options->items()) {
      if (!value.is_string()) return in.fault("restart_options/" + key, "must be a string");
      role.restart_options[key] = value.get<std::string>();
    }
  }
}

void read_identity(Reader& in, Role& role) {
  in.text("role_name", role.name);
  if (!is_name(role.name)) {
    in.fault("role_name", "must be lower-case letters, digits and '-', at most 63 characters");
  }
  in.text("display_name", role.display_name);
  if (role.display_name.empty()) role.display_name = role.name;
  in.text("code_source", role.code_source);
  if (!is_name(role.code_source)) in.fault("code_source", "is not a valid name");
  if (const Json* order = in.find("order")) {
    if (!order->is_number_integer())
      in.fault("order", "must be a whole number");
    else
      role.order = order->get<int>();
  }
}

void read_target(Reader& in, Role& role) {
  in.text("target_path", role.target_path);
  role.target_path = without_trailing_slash(role.target_path);
  if (!role.target_path.empty()) {
    const Status status = check_target_path(role.target_path);
    if (!status) in.fault("target_path", status.error().message);
  }
  if (role.source_paths.empty() != role.target_path.empty()) {
    in.fault(role.target_path.empty() ? "target_path" : "source_paths",
             "source_paths and target_path need each other");
  }
  in.texts("carry", role.carry);
  in.text("owner", role.owner);
}

void read_commands(Reader& in, Role& role) {
  in.command("pre_sync_cmd", role.pre_sync_cmd);
  in.command("post_sync_cmd", role.post_sync_cmd);
  in.command("drain_cmd", role.drain_cmd);
  in.command("undrain_cmd", role.undrain_cmd);
  const Json* limit = in.find("command_timeout_seconds");
  if (!limit) return;
  if (!limit->is_number_integer() || limit->get<std::int64_t>() < 1 ||
      limit->get<std::int64_t>() > 86'400) {
    return in.fault("command_timeout_seconds", "must be a number from 1 to 86400");
  }
  role.command_timeout_seconds = limit->get<int>();
}

void refuse_unknown_fields(Reader& in) {
  const auto& known = role_fields();
  for (const auto& [key, value] : in.object.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      in.fault(key, "is not a field of a role");
    }
  }
}

Json command_to_json(const Command& command) {
  return uses_shell(command) ? Json(command[2]) : Json(command);
}

}  // namespace

bool uses_shell(const Command& command) {
  return command.size() == 3 && command[0] == "sh" && command[1] == "-c";
}

const std::vector<std::string>& role_fields() {
  static const std::vector<std::string> fields = [] {
    std::vector<std::string> names;
    const Json object = role_to_json({});
    for (const auto& [key, value] : object.items()) names.push_back(key);
    return names;
  }();
  return fields;
}

Result<Role> role_from_json(const Json& object) {
  if (!object.is_object()) {
    return Error{ErrorKind::invalid, "invalid_role", "a role must be a JSON object"};
  }
  Reader in{object, {}};
  Role role;
  refuse_unknown_fields(in);
  read_identity(in, role);
  in.word("sync_type", sync_types, role.sync_type);
  read_source_paths(in, role);
  read_target(in, role);
  read_restart(in, role);
  read_health(in, role);
  read_commands(in, role);
  in.plugin_id("deployer", role.deployer);
  in.plugin_id("detector", role.detector);
  in.word("activation", activations, role.activation);
  in.word("switch", switch_modes, role.switch_mode);
  in.word("on_drift", on_drifts, role.on_drift);
  in.word("self", selves, role.self);
  in.flag("required", role.required);
  if (in.faults.empty()) return role;

  const std::string first = in.faults[0].pointer + " " + in.faults[0].detail;
  return Error{ErrorKind::invalid, "invalid_role", "the role is not valid: " + first, "",
               std::move(in.faults)};
}

Json role_to_json(const Role& role) {
  return {
      {"role_name", role.name},
      {"display_name", role.display_name},
      {"sync_type", word_of(sync_types, role.sync_type)},
      {"source_paths", role.source_paths},
      {"target_path", role.target_path},
      {"systemd_service", role.systemd_service},
      {"auto_restart", role.auto_restart == AutoRestart::yes},
      {"health_check_port", role.health_check_port ? Json(*role.health_check_port) : Json()},
      {"health_check_path", role.health_check_path},
      {"pre_sync_cmd", command_to_json(role.pre_sync_cmd)},
      {"post_sync_cmd", command_to_json(role.post_sync_cmd)},
      {"drain_cmd", command_to_json(role.drain_cmd)},
      {"undrain_cmd", command_to_json(role.undrain_cmd)},
      {"command_timeout_seconds",
       role.command_timeout_seconds ? Json(*role.command_timeout_seconds) : Json()},
      {"code_source", role.code_source},
      {"deployer", role.deployer},
      {"detector", role.detector},
      {"restart_strategy", role.restart_strategy},
      {"restart_options", Json(role.restart_options)},
      {"activation", word_of(activations, role.activation)},
      {"switch", word_of(switch_modes, role.switch_mode)},
      {"carry", role.carry},
      {"owner", role.owner},
      {"exclude", role.exclude},
      {"on_drift", word_of(on_drifts, role.on_drift)},
      {"order", role.order},
      {"self", word_of(selves, role.self)},
      {"required", role.required},
  };
}

Status apply_defaults(Role& role, const RoleDefaults& defaults) {
  const bool component = role.sync_type == SyncType::component;
  const std::string& wanted = component ? defaults.component_deployer : defaults.package_deployer;
  const std::string& other = component ? defaults.package_deployer : defaults.component_deployer;
  if (role.deployer.empty()) role.deployer = wanted;
  if (role.deployer == other && other != wanted) {
    return Error{ErrorKind::invalid,
                 "deployer_contradicts_sync_type",
                 "role " + role.name + " has sync_type " + word_of(sync_types, role.sync_type) +
                     " but deployer " + role.deployer,
                 "give one of the two, or both in agreement",
                 {{"/deployer", "contradicts sync_type"}}};
  }
  if (role.detector.empty()) role.detector = defaults.detector;
  if (role.restart_strategy.empty()) {
    role.restart_strategy =
        role.systemd_service.empty() ? defaults.serviceless_strategy : defaults.restart_strategy;
  }
  return {};
}

std::vector<NamedCommand> commands_of(const Role& role) {
  std::vector<NamedCommand> commands;
  for (const NamedCommand& each : {NamedCommand{"pre_sync_cmd", &role.pre_sync_cmd},
                                   NamedCommand{"drain_cmd", &role.drain_cmd},
                                   NamedCommand{"post_sync_cmd", &role.post_sync_cmd},
                                   NamedCommand{"undrain_cmd", &role.undrain_cmd}}) {
    if (!each.command->empty()) commands.push_back(each);
  }
  return commands;
}

std::string role_revision(const Role& role) {
  static const Json unused = role_to_json({});
  Json fields = role_to_json(role);
  for (const char* later : {"drain_cmd", "undrain_cmd", "command_timeout_seconds"}) {
    if (fields[later] == unused[later]) fields.erase(later);
  }
  return "rr1:" + sha256_hex(to_text(fields));
}

}  // namespace rolesync
