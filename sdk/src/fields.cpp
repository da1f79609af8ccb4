// SPDX-License-Identifier: Apache-2.0
#include "fields.hpp"

namespace rolesync {
inline namespace sdk1 {
namespace fields {
namespace {

constexpr const char* running_words[] = {"running", "stopped", "failed",
                                         "unknown", "waiting", "finished"};

}  // namespace

void refuse(const std::string& field, const char* expected) {
  throw Error(Code::invalid, "invalid_request", "field " + field + " must be " + expected);
}

std::string optional_text(const Json& object, const char* field) {
  return nullable_text(object, field).value_or("");
}

std::optional<std::string> nullable_text(const Json& object, const char* field) {
  const auto it = object.find(field);
  if (it == object.end() || it->is_null()) return std::nullopt;
  if (!it->is_string()) refuse(field, "a string");
  return it->get<std::string>();
}

Values values(const Json& object) {
  Values result;
  if (!object.is_object()) refuse("", "an object");
  for (const auto& [key, value] : object.items()) {
    if (value.is_boolean()) {
      result[key] = value.get<bool>();
    } else if (value.is_number_integer()) {
      result[key] = value.get<std::int64_t>();
    } else if (value.is_string()) {
      result[key] = value.get<std::string>();
    } else {
      refuse(key, "true, false, a whole number or a string");
    }
  }
  return result;
}

Json to_json(const Values& values) {
  Json object = Json::object();
  for (const auto& [key, value] : values) {
    std::visit([&, &name = key](const auto& held) { object[name] = held; }, value);
  }
  return object;
}

RoleData role_data(const Json& role) {
  RoleData data;
  data.name = text(role, "role_name");
  if (role.contains("source_paths")) {
    data.source_paths = get<std::vector<std::string>>(role, "source_paths", "an array of strings");
  }
  data.target_path = optional_text(role, "target_path");
  data.service = optional_text(role, "systemd_service");
  data.health_path = optional_text(role, "health_check_path");
  const auto port = role.find("health_check_port");
  if (port != role.end() && !port->is_null()) {
    data.port = get<int>(role, "health_check_port", "a number");
  }
  const auto options = role.find("restart_options");
  if (options != role.end() && !options->is_null()) {
    data.restart_options = get<Options>(role, "restart_options", "an object of strings");
  }
  return data;
}

ServiceStatus service_status(const Json& object) {
  ServiceStatus status;
  const std::string state = text(object, "state");
  for (int i = 0; i < 6; ++i) {
    if (state == running_words[i]) status.state = static_cast<Running>(i);
  }
  status.started_at = nullable_text(object, "started_at");
  status.detail = optional_text(object, "detail");
  status.reason = optional_text(object, "reason");
  return status;
}

Json to_json(const ServiceStatus& status) {
  return {{"state", running_words[static_cast<int>(status.state)]},
          {"started_at", status.started_at ? Json(*status.started_at) : Json()},
          {"detail", status.detail},
          {"reason", status.reason}};
}

}  // namespace fields
}  // namespace sdk1
}  // namespace rolesync
