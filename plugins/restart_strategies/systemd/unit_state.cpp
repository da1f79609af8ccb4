// SPDX-License-Identifier: Apache-2.0
#include "unit_state.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>

namespace systemd_strategy {
namespace {

using rolesync::Running;
using rolesync::ServiceStatus;
using rolesync::UnitStatus;

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

bool has_finished(const UnitStatus& unit) {
  return unit.active_state == "inactive" && unit.type == "oneshot" && unit.started_at &&
         unit.result == "success";
}

Running state_of(const UnitStatus& unit) {
  if (unit.active_state == "active" || unit.active_state == "reloading") return Running::running;
  if (unit.active_state == "failed" || unit.sub_state == "auto-restart") return Running::failed;
  if (unit.active_state == "unknown") return Running::unknown;  // no systemd, or a silent one
  if (unit.active_state == "inactive" && !unit.triggered_by.empty()) return Running::waiting;
  if (has_finished(unit)) return Running::finished;
  return Running::stopped;
}

std::string detail_of(const UnitStatus& unit) {
  if (unit.load_state == "not-found") return "the unit is not installed";
  if (unit.reason == "no_systemd") return "this machine is not run by systemd";
  if (unit.reason == "user_unknown") return "there is no such user on this node";
  if (unit.reason == "user_manager_missing") return "no systemd manager of that user runs";
  if (unit.reason == "user_manager_denied") return "the agent may not ask that user's manager";
  if (unit.active_state == "unknown") return "systemd does not answer";
  std::string detail = unit.active_state + " (" + unit.sub_state + ")";
  if (unit.load_state != "loaded" && unit.load_state != "unknown") {
    detail += ", the unit is " + unit.load_state;
  }
  if (!unit.result.empty() && unit.result != "success") detail += ", " + how_it_ended(unit);
  if (!unit.condition.empty()) detail += ", " + unit.condition + " is not met";
  if (!unit.triggered_by.empty()) detail += ", started by " + unit.triggered_by + " when needed";
  if (unit.restarts > 0) detail += ", restarted " + std::to_string(unit.restarts) + " times";
  return detail;
}

std::string reason_of(const UnitStatus& unit, Running state) {
  if (state == Running::unknown) return unit.reason;
  if (state == Running::waiting) return "service_waits";
  if (state == Running::finished) return "service_finished";
  if (state == Running::failed) {
    if (unit.active_state == "activating") return "service_crashes";
    const bool gave_up = unit.result == "start-limit-hit" || unit.restarts >= loop_restarts;
    return gave_up ? "unit_start_limit" : "";
  }
  if (state != Running::stopped) return "";
  if (unit.load_state == "not-found") return "unit_missing";
  if (unit.load_state == "masked") return "unit_masked";
  if (unit.load_state == "bad-setting" || unit.load_state == "error") return "unit_invalid";
  if (unit.active_state == "activating") return "service_starts";
  if (!unit.condition.empty()) return "unit_condition_failed";
  return "";
}

int badness(Running state) {
  switch (state) {
    case Running::failed:
      return 5;
    case Running::unknown:
      return 4;
    case Running::stopped:
      return 3;
    case Running::waiting:
      return 2;
    case Running::finished:
      return 1;
    case Running::running:
      return 0;
  }
  return 4;
}

}  // namespace

std::string how_it_ended(const UnitStatus& unit) {
  const std::string result = "result " + (unit.result.empty() ? "unknown" : unit.result);
  return unit.ended.empty() ? result : unit.ended + " (" + result + ")";
}

ServiceStatus to_status(const UnitStatus& unit) {
  ServiceStatus status;
  status.state = state_of(unit);
  status.started_at = unit.started_at;
  status.detail = detail_of(unit);
  status.reason = reason_of(unit, status.state);
  return status;
}

ServiceStatus seen_from_outside(const UnitStatus& unit) {
  ServiceStatus status = to_status(unit);
  if (status.state == Running::running && unit.restarts >= loop_restarts &&
      started_just_now(unit)) {
    status.state = Running::failed;
    status.reason = "service_crashes";
  }
  return status;
}

ServiceStatus together(const std::vector<Named>& units) {
  if (units.size() == 1) return units.front().second;
  const auto worst = std::max_element(units.begin(), units.end(), [](const auto& a, const auto& b) {
    return badness(a.second.state) < badness(b.second.state);
  });
  ServiceStatus status = worst->second;
  std::size_t like_it = 0;
  for (const auto& [name, each] : units) {
    if (each.state == status.state) ++like_it;
    if (!each.started_at || !status.started_at) {
      status.started_at.reset();
    } else {
      status.started_at = std::min(*status.started_at, *each.started_at);
    }
  }
  if (like_it == units.size() && status.state == Running::running) {
    status.detail = "all " + std::to_string(units.size()) + " units run";
  } else {
    status.detail = worst->first + ": " + status.detail + " (" + std::to_string(like_it) + " of " +
                    std::to_string(units.size()) + " units)";
  }
  return status;
}

}  // namespace systemd_strategy
