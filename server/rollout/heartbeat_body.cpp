// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/heartbeat_body.hpp"

#include <nlohmann/json.hpp>

#include "host/values/json.hpp"

namespace rolesync::rollout {
namespace {

Error refused(const std::string& pointer, std::string detail) {
  return {ErrorKind::invalid,
          "invalid_heartbeat",
          "the heartbeat is not valid: " + pointer + " " + detail,
          "",
          {{pointer, detail}}};
}

bool is_part(const std::string& field) {
  for (const char* part : part_names) {
    if (field == part) return true;
  }
  return false;
}

// What a field is, and where it goes; false when its type is wrong.
bool take(Heartbeat& beat, const std::string& field, const Json& value) {
  const auto number = [&](std::optional<double>& out) {
    if (value.is_null()) return true;
    if (!value.is_number()) return false;
    out = value.get<double>();
    return true;
  };
  const auto text = [&](std::string& out) {
    if (!value.is_string()) return false;
    out = value.get<std::string>();
    return true;
  };
  if (field == "sequence") {
    if (!value.is_number_integer()) return false;
    beat.sequence = value.get<std::int64_t>();
    return true;
  }
  if (field == "boot_id") return text(beat.boot_id);
  if (field == "instance") return text(beat.instance);
  if (field == "agent_version") return text(beat.agent_version);
  if (field == "definitions_etag") return text(beat.definitions_etag);
  if (field == "cpu_percent") return number(beat.cpu_percent);
  if (field == "memory_percent") return number(beat.memory_percent);
  if (field == "disk_percent") return number(beat.disk_percent);
  if (field == "acknowledged") {
    if (!value.is_array()) return false;
    for (const Json& id : value) {
      if (!id.is_string()) return false;
      beat.acknowledged.push_back(id.get<std::string>());
    }
    return true;
  }
  if (field == "task_events") {
    if (!value.is_array()) return false;
    beat.task_events = to_text(value);
    return true;
  }
  if (field == "role_report_changes") {
    if (!value.is_object()) return false;
    beat.role_report_changes = to_text(value);
    return true;
  }
  if (field.ends_with("_hash")) return text(beat.hashes[field.substr(0, field.size() - 5)]);
  const bool list = field == "listening_ports" || field == "plugins";
  if (list ? !value.is_array() : !value.is_object()) return false;
  beat.parts[field] = to_text(value);
  return true;
}

}  // namespace

Result<Heartbeat> parse_heartbeat(std::string_view body) {
  const auto json = parse_json(body);
  if (!json) return json.error();
  if (!json->is_object()) return refused("", "must be an object");
  Heartbeat beat;
  for (const auto& [field, value] : json->items()) {
    static const std::vector<std::string> plain = {
        "sequence",         "boot_id",     "instance",           "agent_version",
        "definitions_etag", "cpu_percent", "memory_percent",     "disk_percent",
        "acknowledged",     "task_events", "role_report_changes"};
    const bool hash = field.ends_with("_hash") && is_part(field.substr(0, field.size() - 5));
    if (!hash && !is_part(field) && std::find(plain.begin(), plain.end(), field) == plain.end()) {
      return refused("/" + field, "is not a field of a heartbeat");
    }
    if (!take(beat, field, value)) return refused("/" + field, "has the wrong type");
  }
  if (beat.instance.size() > 128) return refused("/instance", "must hold at most 128 characters");
  if (beat.boot_id.empty() || beat.boot_id.size() > 128) {
    return refused("/boot_id", "must hold 1 to 128 characters");
  }
  return beat;
}

}  // namespace rolesync::rollout
