// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/task_events.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/values/json.hpp"

namespace rolesync::rollout {
namespace {

constexpr std::size_t max_output = 64 << 10;

Error refused(const std::string& pointer, const std::string& detail) {
  return {
      ErrorKind::invalid, "invalid_task_event", pointer + " " + detail, "", {{pointer, detail}}};
}

std::string text(const Json& object, const char* field) {
  const auto it = object.find(field);
  if (it == object.end() || !it->is_string()) return {};
  std::string value = it->get<std::string>();
  std::erase(value, '\0');  // the store would refuse it, and the agent would send it for ever
  return value;
}

std::int64_t number(const Json& object, const char* field, std::int64_t otherwise) {
  const auto it = object.find(field);
  return it != object.end() && it->is_number_integer() ? it->get<std::int64_t>() : otherwise;
}

Result<ReportedEvent> parse_event(const Json& json, const std::string& pointer,
                                  const std::string& boot_id, Millis received_at) {
  if (!json.is_object()) return refused(pointer, "must be an object");
  ReportedEvent event;
  store::TaskEvent& record = event.record;
  record.task_id = text(json, "task_id");
  if (record.task_id.empty()) return refused(pointer + "/task_id", "is missing");
  record.sequence = number(json, "sequence", -1);
  if (record.sequence < 0) return refused(pointer + "/sequence", "must be a number from 0");
  record.fence = number(json, "fence", 0);
  record.boot_id = boot_id;
  record.state = text(json, "state");
  const auto state = domain::task_state(record.state);
  if (!state) return refused(pointer + "/state", "is not a task state");
  record.step = text(json, "step");
  record.reason = text(json, "reason");
  record.message = text(json, "message");
  record.output = text(json, "output").substr(0, max_output);
  record.restart_pending = json.value("restart_pending", Json()) == true;
  record.at = from_rfc3339(text(json, "at")).value_or(received_at);
  record.received_at = received_at;

  Json details = Json::object();
  for (const char* field : {"release", "saved"}) {
    if (const auto it = json.find(field); it != json.end() && !it->is_null()) details[field] = *it;
  }
  record.details = to_text(details);
  event.report = {*state, record.step, record.reason, record.message, record.restart_pending};
  if (details.contains("release")) {
    event.release = domain::role_report_from_json(details["release"]);
    event.release->restart_pending = record.restart_pending;
  }
  return event;
}

Result<std::vector<ReportedEvent>> parse_list(const Json& list, const std::string& boot_id,
                                              Millis received_at) {
  std::vector<ReportedEvent> events;
  for (const Json& entry : list) {
    auto event =
        parse_event(entry, "/events/" + std::to_string(events.size()), boot_id, received_at);
    if (!event) return event.error();
    events.push_back(std::move(*event));
  }
  std::stable_sort(events.begin(), events.end(), [](const auto& a, const auto& b) {
    return a.record.task_id == b.record.task_id && a.record.sequence < b.record.sequence;
  });
  return events;
}

}  // namespace

Result<std::vector<ReportedEvent>> parse_task_events(std::string_view body, Millis received_at) {
  const auto json = parse_json(body);
  if (!json) return json.error();
  if (!json->is_object() || !json->contains("events") || !(*json)["events"].is_array()) {
    return refused("/events", "must be an array");
  }
  return parse_list((*json)["events"], text(*json, "boot_id"), received_at);
}

Result<std::vector<ReportedEvent>> parse_task_event_list(std::string_view list,
                                                         const std::string& boot_id,
                                                         Millis received_at) {
  const auto json = parse_json(list);
  if (!json) return json.error();
  return parse_list(*json, boot_id, received_at);
}

}  // namespace rolesync::rollout
