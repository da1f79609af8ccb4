// SPDX-License-Identifier: Apache-2.0
// Restart strategy for roles that run as a systemd unit.
#include <chrono>
#include <ctime>
#include <rolesync/restart_strategy.hpp>

namespace {

using rolesync::Code;
using rolesync::Error;
using rolesync::Options;
using rolesync::RoleData;
using rolesync::Running;
using rolesync::ServiceStatus;
using rolesync::UnitStatus;

constexpr int default_timeout_seconds = 90;

int timeout_of(const Options& options) {
  const auto given = options.find("timeout_seconds");
  if (given == options.end()) return default_timeout_seconds;
  const std::string& text = given->second;
  if (text.empty() || text.size() > 4 ||
      text.find_first_not_of("0123456789") != std::string::npos || std::stoi(text) == 0) {
    throw Error(Code::invalid, "invalid_option", "timeout_seconds must be a number of seconds");
  }
  return std::stoi(text);
}

// A unit that crashes and is started again by systemd is running whenever one looks in between.
constexpr int loop_restarts = 2;
constexpr std::chrono::seconds loop_window{10};

bool started_just_now(const UnitStatus& unit) {
  if (!unit.started_at) return true;
  const std::time_t then =
      std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() - loop_window);
  std::tm utc{};
  char text[32] = "";
  if (!::gmtime_r(&then, &utc) || !std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc)) {
    return false;
  }
  return *unit.started_at > text;  // RFC 3339 in UTC sorts as time does
}

Running state_of(const UnitStatus& unit) {
  if (unit.active_state == "active" || unit.active_state == "reloading") return Running::running;
  if (unit.active_state == "failed" || unit.sub_state == "auto-restart") return Running::failed;
  if (unit.active_state == "unknown") return Running::unknown;  // no systemd, or a silent one
  if (unit.active_state == "inactive" && !unit.triggered_by.empty()) return Running::waiting;
  return Running::stopped;
}

std::string detail_of(const UnitStatus& unit) {
  if (unit.load_state == "not-found") return "the unit is not installed";
  if (unit.reason == "no_systemd") return "this machine is not run by systemd";
  if (unit.active_state == "unknown") return "systemd does not answer";
  std::string detail = unit.active_state + " (" + unit.sub_state + ")";
  if (unit.load_state != "loaded" && unit.load_state != "unknown") {
    detail += ", the unit is " + unit.load_state;
  }
  if (!unit.result.empty() && unit.result != "success") detail += ", result " + unit.result;
  if (!unit.triggered_by.empty()) detail += ", started by " + unit.triggered_by + " when needed";
  if (unit.restarts > 0) detail += ", restarted " + std::to_string(unit.restarts) + " times";
  return detail;
}

std::string reason_of(const UnitStatus& unit, Running state) {
  if (state == Running::unknown) return unit.reason;
  if (state == Running::waiting) return "service_waits";
  if (state == Running::failed && unit.active_state == "activating") return "service_crashes";
  if (state != Running::stopped) return "";
  if (unit.load_state == "not-found") return "unit_missing";
  if (unit.load_state == "masked") return "unit_masked";
  if (unit.load_state == "bad-setting" || unit.load_state == "error") return "unit_invalid";
  if (unit.active_state == "activating") return "service_starts";
  return "";
}

ServiceStatus to_status(const UnitStatus& unit) {
  ServiceStatus status;
  status.state = state_of(unit);
  status.started_at = unit.started_at;
  status.detail = detail_of(unit);
  status.reason = reason_of(unit, status.state);
  return status;
}

// What a look from outside should say, as opposed to what a start or restart has just reached.
ServiceStatus seen_from_outside(const UnitStatus& unit) {
  ServiceStatus status = to_status(unit);
  const bool up = status.state == Running::running || unit.active_state == "activating";
  if (up && unit.restarts >= loop_restarts && started_just_now(unit)) {
    status.state = Running::failed;
    status.reason = "service_crashes";
  }
  return status;
}

const std::string& unit_of(const RoleData& role) {
  if (role.service.empty()) {
    throw Error(Code::invalid, "no_service", "role " + role.name + " names no systemd_service",
                "set systemd_service, or another restart_strategy");
  }
  return role.service;
}

ServiceStatus expect_running(const std::string& unit, const UnitStatus& after) {
  ServiceStatus status = to_status(after);
  // A timer's service has run to its end when its start has ended.
  if (status.state == Running::running || status.state == Running::waiting) return status;
  throw Error(Code::failed, "service_not_running",
              "unit " + unit + " does not run after its start: " + status.detail,
              "look at journalctl -u " + unit);
}

class Systemd : public rolesync::RestartStrategy {
 public:
  ServiceStatus status(const RoleData& role, const Options&) override {
    return seen_from_outside(host().unit_status(unit_of(role)));
  }

  ServiceStatus start(const RoleData& role, const Options& options) override {
    const std::string& unit = unit_of(role);
    return expect_running(unit, host().unit_start(unit, timeout_of(options)));
  }

  ServiceStatus stop(const RoleData& role, const Options& options) override {
    const std::string& unit = unit_of(role);
    const UnitStatus after = host().unit_stop(unit, timeout_of(options));
    ServiceStatus status = to_status(after);
    if (status.state == Running::waiting) {
      throw Error(Code::failed, "service_waits",
                  "unit " + unit + " is stopped, but " + after.triggered_by + " may start it again",
                  "stop " + after.triggered_by + " in pre_sync_cmd, or use switch: live");
    }
    if (status.state != Running::running) return status;
    throw Error(Code::failed, "service_still_running", "unit " + unit + " runs after its stop");
  }

  ServiceStatus restart(const RoleData& role, const Options& options) override {
    const std::string& unit = unit_of(role);
    return expect_running(unit, host().unit_restart(unit, timeout_of(options)));
  }
};

constexpr const char* option_schema = R"({
  "timeout_seconds": {"type": "integer", "minimum": 1, "maximum": 3600, "default": 90,
                      "help": "how long a start, stop or restart may take"}
})";

}  // namespace

ROLESYNC_PLUGIN("systemd", "1.0.0",
                rolesync::restart_strategy<Systemd>("systemd")
                    .summary("a systemd unit")
                    .needs({"service.status", "service.start", "service.stop", "service.restart"})
                    .options(option_schema)
                    .parallel()
                    .timeout("start", 100)
                    .timeout("stop", 100)
                    .timeout("restart", 190));
