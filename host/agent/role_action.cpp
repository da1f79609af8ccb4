// SPDX-License-Identifier: Apache-2.0
#include "host/agent/role_action.hpp"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "host/agent/log.hpp"
#include "host/services/durable_file.hpp"

namespace rolesync::agent {
namespace {

Error invalid_command(std::string message) {
  return {ErrorKind::invalid, "invalid_command", std::move(message),
          "server and agent must speak the same protocol; look at their versions"};
}

std::string text(const Json& object, const char* key) {
  auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : "";
}

// A file name is made of it.
bool is_action_id(const std::string& id) {
  return !id.empty() && id.size() <= 100 &&
         id.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
             std::string::npos;
}

Json to_json(const RoleAction& action) {
  return {{"task_id", action.id},
          {"action", action.action},
          {"role", role_to_json(action.role)},
          {"fence", action.fence},
          {"next_sequence", action.next_sequence}};
}

Result<RoleAction> from_record(const std::string& file) {
  Result<std::optional<std::string>> stored = read_if_there(file);
  if (!stored) return stored.error();
  if (!stored->has_value()) return invalid_command("the record is gone");
  Result<Json> json = parse_json(**stored);
  if (!json) return json.error();
  if (!json->is_object()) return invalid_command("the record is no object");
  Result<RoleAction> action = role_action_from_json(*json, json->value("fence", std::uint64_t{0}));
  if (action) action->next_sequence = json->value("next_sequence", std::uint64_t{1});
  return action;
}

}  // namespace

Result<RoleAction> role_action_from_json(const Json& payload, std::uint64_t fence) {
  if (!payload.is_object() || !payload.contains("role")) {
    return invalid_command("the action has no role");
  }
  RoleAction action;
  action.fence = fence;
  action.id = text(payload, "task_id");
  action.action = text(payload, "action");
  if (!is_action_id(action.id)) return invalid_command("the action has no valid task_id");
  if (action.action != "restart" && action.action != "start" && action.action != "stop") {
    return invalid_command("'" + action.action + "' is not an action on a role");
  }
  Result<Role> role = role_from_json(payload["role"]);
  if (!role) return invalid_command("the action's role is not valid: " + role.error().message);
  action.role = std::move(*role);
  return action;
}

std::string RoleActionStore::path(const std::string& id) const {
  return directory_ + "/" + id + ".json";
}

Status RoleActionStore::save(const RoleAction& action) {
  if (Status made = make_directories(directory_); !made) return made;
  return write_durably(path(action.id), to_text(to_json(action)));
}

std::vector<RoleAction> RoleActionStore::load_all() const {
  std::vector<RoleAction> actions;
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, failure)) {
    if (entry.path().extension() != ".json") continue;
    Result<RoleAction> action = from_record(entry.path());
    if (action) {
      actions.push_back(std::move(*action));
      continue;
    }
    log_event(LogLevel::error, "action.record_damaged",
              {{"file", entry.path()}, {"detail", action.error().message}});
    std::rename(entry.path().c_str(), (entry.path().string() + ".damaged").c_str());
  }
  return actions;
}

void RoleActionStore::remove(const std::string& id) {
  ::unlink(path(id).c_str());
}

}  // namespace rolesync::agent
