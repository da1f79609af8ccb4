// SPDX-License-Identifier: Apache-2.0
// The services of this machine: systemd over its bus. A machine without systemd answers
// `unknown` with the reason no_systemd; nothing here crashes or waits without a limit. Any thread.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/process/child.hpp"
#include "host/values/result.hpp"
#include "host/values/timestamp.hpp"

namespace rolesync {

struct UnitStatus {
  std::string load_state = "unknown";    // loaded, not-found, masked, ...; unknown: could not ask
  std::string active_state = "unknown";  // active, inactive, failed, activating, ...
  std::string sub_state = "unknown";
  std::string result;  // systemd's result of the last run: success, exit-code, ...
  // Start of the main process of an active unit, or of a oneshot's last run.
  std::optional<Millis> started_at;
  std::optional<Millis> started_since_boot;  // the same on Clock::monotonic()
  // Why nothing is known: no_systemd, systemd_silent, user_unknown, user_manager_missing,
  // user_manager_denied. Empty when asked successfully.
  std::string reason;
  std::uint32_t restarts = 0;  // after crashes, since it was last started on request
  std::string triggered_by;    // of an idle unit: the active unit that would start it
  std::string type;            // of an idle service: simple, oneshot, ...; else empty
  std::string ended;           // how its main process ended last, in words; empty: it has not
  std::string condition;       // of an idle unit: what kept it from its last start
};

enum class UnitAction { start, stop, restart, reload, try_restart, reload_or_restart };
// "start", ..., "reload-or-restart": as systemctl calls it.
const char* verb(UnitAction action);

class Units {
 public:
  virtual ~Units() = default;
  // One question to each manager for all of its units. Keys are the names as given (without
  // ".service" is fine); "user:NAME/unit" is a unit of that user's own manager.
  virtual std::map<std::string, UnitStatus> status(const std::vector<std::string>& units) = 0;
  // Returns when systemd's job has ended, with the unit's state then. A start and a restart take a
  // changed unit file, and begin even when the unit crashed too often before. A unit whose
  // condition is not met is not started, and that is its state. Errors: failed/unit_failed,
  // service_crashes, unit_start_limit, unit_masked, unit_invalid, unit_dependency_failed,
  // unit_assert_failed, unit_reload_unsupported; timeout/unit_timeout, not_found/unit_missing,
  // unavailable/no_systemd, and the reasons of UnitStatus.
  virtual Result<UnitStatus> run(UnitAction action, const std::string& unit,
                                 std::chrono::milliseconds limit, const CancelFlag* cancelled) = 0;
};

// "user:NAME/unit" or "unit".
struct UnitAddress {
  std::string user;  // empty: the system's own manager
  std::string name;  // full: with its suffix
  std::string text() const { return user.empty() ? name : "user:" + user + "/" + name; }
};
// Error: invalid/invalid_request.
Result<UnitAddress> unit_address(const std::string& unit);

// "name" or "name.service" -> "name.service"; other unit types keep their suffix. Refuses what is
// not a unit name.
Result<std::string> full_unit_name(const std::string& unit);

std::unique_ptr<Units> systemd_units();

}  // namespace rolesync
