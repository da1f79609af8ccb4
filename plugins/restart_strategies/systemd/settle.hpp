// SPDX-License-Identifier: Apache-2.0
// Whether a unit that was just started keeps running. Used inside one call of the plugin.
#pragma once
#include <chrono>
#include <rolesync/restart_strategy.hpp>
#include <string>

namespace systemd_strategy {

// Watches a unit after its job ended with `now`, until it has run in one piece for `time`. A unit
// that crashes and is started again is watched to the end of that time, to be able to say how often
// it did. `restarts_before`: those that do not count. Throws Error{failed}: service_crashes,
// unit_start_limit, unit_condition_failed, service_not_running; Error{cancelled}.
rolesync::UnitStatus settle(const rolesync::Host& host, const std::string& unit,
                            rolesync::UnitStatus now, int restarts_before,
                            std::chrono::milliseconds time);

}  // namespace systemd_strategy
