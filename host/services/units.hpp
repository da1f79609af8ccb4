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
  std::string result;                // systemd's result of the last run: success, exit-code, ...
  std::optional<Millis> started_at;  // start of the main process, for active units
  std::string reason;                // no_systemd, systemd_silent; empty when asked successfully
  std::uint32_t restarts = 0;        // after crashes, since it was last started on request
  std::string triggered_by;          // of an idle unit: the active unit that would start it
};

enum class UnitAction { start, stop, restart };

class Units {
 public:
  virtual ~Units() = default;
  // One question for all of them. Keys are the names as given (without ".service" is fine).
  virtual std::map<std::string, UnitStatus> status(const std::vector<std::string>& units) = 0;
  // Returns when systemd's job has ended, with the unit's state then. A start and a restart take a
  // changed unit file, and begin even when the unit crashed too often before. Errors:
  // failed/unit_failed, failed/unit_masked, timeout/unit_timeout, not_found/unit_missing,
  // unavailable/no_systemd.
  virtual Result<UnitStatus> run(UnitAction action, const std::string& unit,
                                 std::chrono::milliseconds limit, const CancelFlag* cancelled) = 0;
};

// "name" or "name.service" -> "name.service"; other unit types keep their suffix. Refuses what is
// not a unit name.
Result<std::string> full_unit_name(const std::string& unit);

std::unique_ptr<Units> systemd_units();

}  // namespace rolesync
