// SPDX-License-Identifier: Apache-2.0
// Words for what systemd did not do.
#include <cstring>

#include "host/services/linux/systemd_job.hpp"

namespace rolesync::systemd {
namespace {

std::string journal_hint(const UnitAddress& unit) {
  if (unit.user.empty()) return "look at `journalctl -u " + unit.name + "` on the node";
  return "look at `journalctl _UID=$(id -u " + unit.user + ") --user-unit " + unit.name +
         "` on the node";
}

// The unit that this one needs and that did not come up.
std::string failed_dependency(sd_bus* bus, const std::string& unit) {
  const std::string path = unit_path(unit);
  for (const char* property : {"Requires", "BindsTo", "Requisite"}) {
    for (const std::string& needed : texts(bus, path.c_str(), kUnit, property)) {
      const std::string of_needed = unit_path(needed);
      const std::string state = text(bus, of_needed.c_str(), kUnit, "ActiveState");
      const std::string load = text(bus, of_needed.c_str(), kUnit, "LoadState");
      if (load != "loaded" && !load.empty()) return needed + " (" + load + ")";
      if (state == "failed" || state == "inactive") return needed + " (" + state + ")";
    }
  }
  return "a unit that it needs";
}

struct Meaning {
  const char *result, *reason, *words;
};

// Results of services; the ended process is told besides.
constexpr Meaning kResults[] = {
    {"exit-code", "service_crashes", "it ended"},
    {"signal", "service_crashes", "it was killed"},
    {"core-dump", "service_crashes", "it crashed"},
    {"watchdog", "service_crashes", "it did not answer its watchdog"},
    {"oom-kill", "service_crashes", "the kernel killed it for want of memory"},
    {"start-limit-hit", "unit_start_limit", "it crashed so often that systemd has given up"},
    {"timeout", "unit_timeout", "it took longer than its TimeoutStartSec= or TimeoutStopSec="},
    {"protocol", "unit_failed", "it did not do what its Type= promises"},
    {"resources", "unit_failed", "systemd could not prepare its start"}};

Error by_unit_result(UnitAction action, const UnitAddress& unit, const std::string& job,
                     const UnitStatus& status) {
  Error error{ErrorKind::failed, "unit_failed",
              std::string("cannot ") + verb(action) + " " + unit.text() + ": ", journal_hint(unit)};
  const Meaning* known = nullptr;
  for (const Meaning& each : kResults) {
    if (status.result == each.result) known = &each;
  }
  if (known) {
    error.reason = known->reason;
    error.message += known->words;
    if (!status.ended.empty()) error.message += ", " + status.ended;
    error.message += " (result " + status.result + ")";
  } else {
    error.message += "the job ended as '" + job + "', the unit is " + status.active_state;
    if (!status.result.empty()) error.message += " (" + status.result + ")";
  }
  return error;
}

}  // namespace

Error explain_job(sd_bus* bus, UnitAction action, const UnitAddress& unit,
                  const std::string& result, const UnitStatus& status) {
  const std::string what = std::string("cannot ") + verb(action) + " " + unit.text() + ": ";
  if (result == "dependency") {
    return {ErrorKind::failed, "unit_dependency_failed",
            what + failed_dependency(bus, unit.name) + " did not start",
            "look at that unit, then try again"};
  }
  if (result == "assert") {
    return {ErrorKind::failed, "unit_assert_failed", what + "an Assert...= of it is not met",
            journal_hint(unit)};
  }
  if (result == "canceled") {
    return {ErrorKind::failed, "unit_failed", what + "somebody else ordered something else",
            "see who else starts and stops it, then try again"};
  }
  const bool runs = status.active_state == "active" || status.active_state == "reloading";
  if (runs && (action == UnitAction::reload || action == UnitAction::reload_or_restart)) {
    return {ErrorKind::failed, "unit_reload_failed",
            what + "its ExecReload= failed; it runs on as it was", journal_hint(unit)};
  }
  return by_unit_result(action, unit, result, status);
}

Error lost_bus(int code) {
  return {ErrorKind::unavailable, "systemd_silent",
          std::string("systemd does not answer: ") + std::strerror(-code),
          "look at the state of systemd and dbus on the node"};
}

}  // namespace rolesync::systemd
