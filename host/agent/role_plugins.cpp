// SPDX-License-Identifier: Apache-2.0
#include "host/agent/role_plugins.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "host/services/process_unit.hpp"

namespace rolesync::agent {
namespace {

constexpr std::chrono::minutes kActionLimit{5};
constexpr std::chrono::hours kFetchLimit{6};
constexpr std::chrono::seconds kLookLimit{10};
constexpr std::chrono::milliseconds kNoGrace{0};  // a look leaves nothing half done
constexpr int kActionAttempts = 3;                // a service is started or stopped twice as well

Error bad_answer(const std::string& kind, const std::string& id) {
  return {ErrorKind::failed, "plugin_fault",
          kind + " '" + id + "' answered something that is not understood",
          "look for another version of that plugin"};
}

bool is_text(const Json& object, const char* key) {
  auto it = object.find(key);
  return it != object.end() && it->is_string();
}

Json to_json(const ServiceState& service) {
  Json object{{"state", service.state},
              {"detail", service.detail},
              {"reason", service.reason},
              {"started_at", nullptr}};
  if (service.started_at) object["started_at"] = to_rfc3339(*service.started_at);
  return object;
}

// Who listens on the role's port, and where. Whose a process is can be told of systemd units only.
Json port_facts(const Role& role, const std::vector<ListeningPort>& ports,
                const std::vector<std::string>& asked_at) {
  Json addresses = Json::array();
  std::string owner = "unknown", process;
  bool certain = true, answers = false;
  for (const ListeningPort& each : ports) {
    if (each.port != *role.health_check_port) continue;
    if (addresses.empty() || addresses.back() != each.address) addresses.push_back(each.address);
    for (const std::string& address : asked_at) answers = answers || reachable_at(each, address);
    const std::optional<bool> own =
        role.systemd_service.empty() ? std::nullopt : is_of_unit(each.pid, role.systemd_service);
    const bool is_own = own.value_or(false);
    if (is_own) owner = "service";
    if (is_own || process.empty()) process = each.process;
    certain = certain && own.has_value();
  }
  if (owner != "service" && certain && !addresses.empty()) owner = "other";
  return {{"addresses", std::move(addresses)},
          {"process", process},
          {"owner", owner},
          {"answers", answers}};
}

std::optional<uid_t> user_id(const std::string& name) {
  std::string buffer(16384, '\0');
  passwd entry{}, *found = nullptr;
  ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  return found ? std::optional<uid_t>(found->pw_uid) : std::nullopt;
}

std::optional<gid_t> group_id(const std::string& name) {
  std::string buffer(16384, '\0');
  group entry{}, *found = nullptr;
  ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  return found ? std::optional<gid_t>(found->gr_gid) : std::nullopt;
}

}  // namespace

std::string programs_root(const AgentConfig& config) {
  return config.state_dir + "/run/programs";
}

bool has_service(const Role& role) {
  return !role.systemd_service.empty() || !role.restart_options.empty();
}

Result<FileOwner> owner_of_files(const Role& role) {
  struct stat st {};
  std::filesystem::path path(role.target_path);
  while (::lstat(path.c_str(), &st) != 0 && path.has_relative_path()) path = path.parent_path();
  FileOwner owner{st.st_uid, st.st_gid};
  if (role.owner.empty()) return owner;
  const std::size_t colon = role.owner.find(':');
  const std::string user = role.owner.substr(0, colon);
  std::optional<uid_t> uid = user_id(user);
  if (!uid) {
    return Error{ErrorKind::failed, "unknown_owner", "there is no user '" + user + "' on this node",
                 "create it, or change the role"};
  }
  owner.uid = *uid;
  if (const passwd* entry = ::getpwuid(*uid)) owner.gid = entry->pw_gid;
  if (colon == std::string::npos) return owner;
  std::optional<gid_t> gid = group_id(role.owner.substr(colon + 1));
  if (!gid) {
    return Error{ErrorKind::failed, "unknown_owner",
                 "there is no group '" + role.owner.substr(colon + 1) + "' on this node",
                 "create it, or change the role"};
  }
  owner.gid = *gid;
  return owner;
}

RolePlugins::RolePlugins(const AgentConfig& config, plugin::Registry& registry)
    : config_(config), registry_(registry), state_(config.state_dir + "/plugin-state") {}

NodeServicesOptions RolePlugins::services_for(const std::string& kind,
                                              const std::string& id) const {
  NodeServicesOptions options;
  options.plugin = kind + "." + id;
  options.limits = config_.limits;
  options.state = &state_;
  options.plugin_host_program = config_.plugin_host;
  options.private_root = config_.state_dir + "/run";
  options.programs_root = programs_root(config_);
  options.log_root = config_.state_dir + "/logs";
  if (!config_.health_address.empty()) {
    options.environment["ROLESYNC_ADDRESS"] = config_.health_address;
  }
  return options;
}

Result<ServiceState> RolePlugins::service(const Role& role, const char* action, Units& units,
                                          Ports& ports, const CancelFlag* cancelled) {
  NodeServicesOptions options = services_for("restart_strategy", role.restart_strategy);
  options.units = &units;
  options.ports = &ports;
  options.cancelled = cancelled;
  options.directory = role.target_path;
  // Its commands come from the role: they run as the owner of the role's files, if at all.
  Result<FileOwner> owner = owner_of_files(role);
  options.programs =
      owner ? command_user(config_.limits, owner->uid, owner->gid) : Result<RunAs>(owner.error());
  NodeServices services(std::move(options));
  const bool is_look = std::string_view(action) == "status";
  plugin::CallOptions call{kActionLimit, &services, cancelled};
  if (is_look) {
    call.time_limit = kLookLimit;
    call.cancel_grace = kNoGrace;
  } else {
    call.attempts = kActionAttempts;
    // A strategy that has more to do than most says so in its descriptor.
    if (const auto strategy = registry_.find("restart_strategy", role.restart_strategy)) {
      const auto declared = strategy->timeouts.find(action);
      if (declared != strategy->timeouts.end()) {
        call.time_limit = std::max<std::chrono::milliseconds>(
            kActionLimit, std::chrono::seconds(declared->second));
      }
    }
  }
  Result<Json> options_given =
      registry_.complete_options("restart_strategy", role.restart_strategy, role.restart_options);
  if (!options_given) return options_given.error();
  Result<Json> answer =
      registry_.call("restart_strategy", role.restart_strategy, action,
                     {{"role", role_to_json(role)}, {"options", *options_given}}, call);
  if (!answer) return answer.error();
  if (!answer->is_object() || !is_text(*answer, "state")) {
    return bad_answer("restart strategy", role.restart_strategy);
  }
  ServiceState state;
  state.state = (*answer)["state"].get<std::string>();
  if (is_text(*answer, "started_at")) {
    state.started_at = from_rfc3339((*answer)["started_at"].get<std::string>());
    if (state.started_at) state.started_since_boot = services.since_boot(*state.started_at);
  }
  if (is_text(*answer, "detail")) state.detail = (*answer)["detail"].get<std::string>();
  if (is_text(*answer, "reason")) state.reason = (*answer)["reason"].get<std::string>();
  return state;
}

Result<Detection> RolePlugins::detect(const Role& role, const Sight& sight, Units& units,
                                      Ports& ports, const CancelFlag* cancelled) {
  NodeServicesOptions options = services_for("detector", role.detector);
  options.units = &units;
  options.ports = &ports;
  options.cancelled = cancelled;
  Json listening = Json::array();
  Result<std::vector<ListeningPort>> scanned = ports.scan();
  Json facts{{"path_exists", sight.path_exists},
             {"path_error", sight.path_error},
             {"ports_error", scanned ? "" : scanned.error().reason},
             {"service", sight.service ? to_json(*sight.service) : Json(nullptr)}};
  if (scanned) {
    for (const ListeningPort& port : *scanned) {
      if (listening.empty() || listening.back() != port.port) listening.push_back(port.port);
    }
    const Result<std::vector<ListeningPort>> all = ports.scan_all();
    if (role.health_check_port && all) {
      facts["port"] = port_facts(role, *all, config_.probed_addresses());
    }
  }
  facts["listening_ports"] = std::move(listening);
  NodeServices services(std::move(options));
  const Json request{{"role", role_to_json(role)}, {"facts", std::move(facts)}};
  const plugin::CallOptions call{kLookLimit, &services, cancelled, 1, kNoGrace};
  Result<Json> answer = registry_.call("detector", role.detector, "detect", request, call);
  if (!answer) return answer.error();
  if (!answer->is_object() || !is_text(*answer, "state") || !is_text(*answer, "health")) {
    return bad_answer("detector", role.detector);
  }
  Detection detection;
  detection.state = (*answer)["state"].get<std::string>();
  detection.health = (*answer)["health"].get<std::string>();
  if (is_text(*answer, "reason")) detection.reason = (*answer)["reason"].get<std::string>();
  detection.evidence = std::make_shared<Json>(answer->value("evidence", Json::object()));
  return detection;
}

Status RolePlugins::fetch(const Role& role, const FetchOrder& order, StreamOpener opener,
                          const CancelFlag* cancelled) {
  StreamTable streams;
  NodeServicesOptions options = services_for("deployer", role.deployer);
  options.streams = &streams;
  options.open_stream = std::move(opener);
  options.cancelled = cancelled;
  options.programs = RunAs{};  // it writes into the staging directory, which is ours alone
  options.directory = order.staging;
  options.time_limit = kFetchLimit;
  options.progress = order.progress;
  NodeServices services(std::move(options));
  const Json request{{"offer", *order.offer},        {"offer_id", order.offer_id},
                     {"staging", order.staging},     {"basis", order.basis},
                     {"list_file", order.list_file}, {"files", order.files},
                     {"bytes", order.bytes}};
  Result<Json> answer = registry_.call("deployer", role.deployer, "fetch", request,
                                       {kFetchLimit, &services, cancelled});
  return answer.ok() ? Status{} : Status{answer.error()};
}

std::string RolePlugins::isolated_plugin(const Role& role) const {
  if (registry_.is_isolated("detector", role.detector)) return "detector " + role.detector;
  if (!has_service(role)) return "";
  const bool isolated = registry_.is_isolated("restart_strategy", role.restart_strategy);
  return isolated ? "restart_strategy " + role.restart_strategy : "";
}

bool RolePlugins::may_look_at(const std::string& path) const {
  return allowed_root_of(config_.limits, path).ok();
}

std::vector<std::string> RolePlugins::units_of(const Role& role) const {
  std::vector<std::string> units;
  if (!role.systemd_service.empty()) units = {role.systemd_service};
  if (role.restart_options.empty()) return units;
  if (registry_.is_isolated("restart_strategy", role.restart_strategy)) return units;
  Result<Json> answer = registry_.call(
      "restart_strategy", role.restart_strategy, "units",
      {{"role", role_to_json(role)}, {"options", Json(role.restart_options)}}, {kLookLimit});
  if (!answer || !answer->is_object()) return units;
  const auto list = answer->find("units");
  if (list == answer->end() || !list->is_array()) return units;
  units.clear();
  for (const Json& unit : *list) {
    if (unit.is_string()) units.push_back(unit.get<std::string>());
  }
  return units;
}

Status RolePlugins::check_control(const Role& role) const {
  if (!has_service(role)) return {};
  const auto strategy = registry_.find("restart_strategy", role.restart_strategy);
  if (!strategy) return {};
  const auto needs = [&](std::string_view service) {
    return std::find(strategy->needs.begin(), strategy->needs.end(), service) !=
           strategy->needs.end();
  };
  if (needs("service.restart")) {
    for (const std::string& unit : units_of(role)) {
      if (Status allowed = check_unit(config_.limits, unit); !allowed) return allowed;
    }
  }
  if (!needs("process.run") && !needs("process.start")) return {};
  Result<FileOwner> owner = owner_of_files(role);
  if (!owner) return owner.error();
  Result<RunAs> user = command_user(config_.limits, owner->uid, owner->gid);
  return user.ok() ? Status{} : Status{user.error()};
}

Status RolePlugins::check_present(const Role& role) const {
  const std::pair<const char*, const std::string*> needed[] = {
      {"deployer", &role.deployer},
      {"restart_strategy", has_service(role) ? &role.restart_strategy : nullptr}};
  for (const auto& [kind, id] : needed) {
    if (!id || registry_.has(kind, *id)) continue;
    return Error{ErrorKind::failed, "plugin_missing",
                 std::string("this node has no ") + kind + " plugin '" + *id + "'",
                 "install it in the agent's plugin directory"};
  }
  return {};
}

}  // namespace rolesync::agent
