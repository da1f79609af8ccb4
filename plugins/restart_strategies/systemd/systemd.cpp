// SPDX-License-Identifier: Apache-2.0
// Restart strategy for roles that run as a systemd unit.
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

Running state_of(const UnitStatus& unit) {
  if (unit.active_state == "active" || unit.active_state == "reloading") return Running::running;
  if (unit.active_state == "failed" || unit.sub_state == "auto-restart") return Running::failed;
  if (unit.active_state == "unknown") return Running::unknown;  // no systemd, or a silent one
  return Running::stopped;
}

ServiceStatus to_status(const UnitStatus& unit) {
  if (unit.load_state == "not-found") {
    return {Running::stopped, std::nullopt, "the unit is not installed"};
  }
  std::string detail = unit.active_state + " (" + unit.sub_state + ")";
  if (!unit.result.empty() && unit.result != "success") detail += ", result " + unit.result;
  return {state_of(unit), unit.started_at, detail};
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
  if (status.state == Running::running) return status;
  throw Error(Code::failed, "service_not_running",
              "unit " + unit + " does not run after its start: " + status.detail,
              "look at journalctl -u " + unit);
}

class Systemd : public rolesync::RestartStrategy {
 public:
  ServiceStatus status(const RoleData& role, const Options&) override {
    return to_status(host().unit_status(unit_of(role)));
  }

  ServiceStatus start(const RoleData& role, const Options& options) override {
    const std::string& unit = unit_of(role);
    return expect_running(unit, host().unit_start(unit, timeout_of(options)));
  }

  ServiceStatus stop(const RoleData& role, const Options& options) override {
    const std::string& unit = unit_of(role);
    ServiceStatus status = to_status(host().unit_stop(unit, timeout_of(options)));
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
