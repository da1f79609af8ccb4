// SPDX-License-Identifier: Apache-2.0
#include "host/plugin_check/stand_in_host.hpp"

#include <array>
#include <nlohmann/json.hpp>

#include "host/plugin/status_codes.hpp"

namespace rolesync::plugin_check {
namespace {

constexpr const char* some_time = "2026-01-01T00:00:00.000Z";

Json unit_in(const char* active_state, const char* sub_state) {
  return {{"load_state", "loaded"},
          {"active_state", active_state},
          {"sub_state", sub_state},
          {"result", "success"},
          {"started_at", some_time}};
}

std::int32_t write(const rs_sink* out, const std::string& text, std::int32_t status) {
  out->write(out->ctx, text.data(), text.size());
  return status;
}

std::int32_t refuse(const rs_sink* out, const Error& error) {
  return write(out, plugin::error_text(error), plugin::status_of(error));
}

}  // namespace

StandInHost::StandInHost(const plugin::Provided& provided, Mood mood)
    : host_{sizeof(rs_host), RS_ABI_MAJOR, RS_ABI_MINOR, this, &log, &call},
      needs_(provided.needs.begin(), provided.needs.end()),
      mood_(mood) {}

std::set<std::string> StandInHost::undeclared() const {
  const std::lock_guard lock(mutex_);
  return undeclared_;
}

std::int32_t StandInHost::call(void* self, const char* service, const char* json, std::size_t size,
                               const rs_sink* out) {
  return static_cast<StandInHost*>(self)->answer(service, {json, size}, out);
}

std::int32_t StandInHost::answer(const std::string& service, std::string_view request,
                                 const rs_sink* out) {
  const std::lock_guard lock(mutex_);
  if (!needs_.count(service)) {
    undeclared_.insert(service);
    return refuse(out, {ErrorKind::invalid, "service_not_declared",
                        service + " is not in the needs of the descriptor"});
  }
  if (mood_ == Mood::nonsensical) return write(out, nonsense(), RS_OK);
  if (mood_ == Mood::refusing) {
    return refuse(out, {ErrorKind::unavailable, "busy", "not now", "try again later"});
  }
  if (mood_ == Mood::cancelling && service != "job.cancelled") {
    return refuse(out, {ErrorKind::conflict, "cancelled", "the call was cancelled"});
  }
  const auto parsed = parse_json(request);
  if (!parsed) return refuse(out, parsed.error());
  const auto reply = willing_answer(service, *parsed);
  return reply ? write(out, to_text(*reply), RS_OK) : refuse(out, reply.error());
}

Result<Json> StandInHost::willing_answer(const std::string& service, const Json& request) {
  if (service == "fs.exists" || service == "port.listening") return Json(true);
  if (service == "fs.write_private") return Json{{"path", "/nonexistent/private-file"}};
  if (service == "service.stop") return unit_in("inactive", "dead");
  if (service.starts_with("service.")) return unit_in("active", "running");
  if (service == "process.run") {
    return Json{
        {"exit_code", 0}, {"signal", 0}, {"timed_out", false}, {"output", ""}, {"errors", ""}};
  }
  if (service == "process.start") {
    process_alive_ = true;
    return Json{{"pid", 1 << 30}, {"start_time", 1}, {"boot_id", "stand-in"}};
  }
  if (service == "process.status") {
    return Json{{"alive", process_alive_},
                {"started_at", process_alive_ ? Json(some_time) : Json()}};
  }
  if (service == "process.signal") {
    process_alive_ = false;
    return Json::object();
  }
  if (service == "state.get" || service == "state.put") {
    const auto key = request.is_object() ? request.find("key") : request.end();
    if (key == request.end() || !key->is_string())
      return Error{ErrorKind::invalid, "invalid_request", "field key must be a string"};
    std::string& kept = state_[key->get<std::string>()];
    if (service == "state.get") return Json::parse(kept.empty() ? "null" : kept);
    kept = to_text(request.value("value", Json()));
    return Json::object();
  }
  if (service == "stream.open") return Json{{"stream", "s1"}};
  if (service == "stream.to_file") return Json{{"bytes", 0}};
  if (service == "job.cancelled") return Json(mood_ == Mood::cancelling);
  return Json::object();
}

// A host of another version, or a broken one.
std::string StandInHost::nonsense() {
  static constexpr std::array<const char*, 9> texts = {
      "{}",   "null",     "[]",
      "7",    "\"text\"", R"({"active_state": 7, "alive": "yes", "pid": {}})",
      "{\"a", "",         "\xff\xfe"};
  return texts[nonsense_said_++ % texts.size()];
}

}  // namespace rolesync::plugin_check
