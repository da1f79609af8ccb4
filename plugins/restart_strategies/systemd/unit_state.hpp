// SPDX-License-Identifier: Apache-2.0
// What the state of a unit means for a role. Pure; any thread.
#pragma once
#include <rolesync/restart_strategy.hpp>
#include <string>
#include <utility>
#include <vector>

namespace systemd_strategy {

// Of a unit as an action left it.
rolesync::ServiceStatus to_status(const rolesync::UnitStatus& unit);
// Of a unit that one only looks at: what crashes again and again does not count as running.
rolesync::ServiceStatus seen_from_outside(const rolesync::UnitStatus& unit);

// "exit status 3 (result exit-code)".
std::string how_it_ended(const rolesync::UnitStatus& unit);

// The state of a role with several units is that of the one that is worst off, by name; its start
// is the oldest.
using Named = std::pair<std::string, rolesync::ServiceStatus>;
rolesync::ServiceStatus together(const std::vector<Named>& units);

}  // namespace systemd_strategy
