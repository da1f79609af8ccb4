// SPDX-License-Identifier: Apache-2.0
// Whether a running program comes from the files on the disk: was it started before they came
// there? Asked on a clock that never jumps where both times are known on it. Pure; any thread.
#pragma once
#include <string>

#include "host/activation/installation.hpp"
#include "host/agent/role_plugins.hpp"
#include "host/services/clock.hpp"

namespace rolesync::agent {

// Now, for what is about to be activated.
Moment moment_of(Clock& clock);
// When a release was activated.
Moment activation_of(const Release& release);

// True, false, or nothing when the service does not say when it was started. `boot_id` is that of
// now.
std::optional<bool> started_before(const ServiceState& service, const Moment& activation,
                                   const std::string& boot_id);

// "current", "restart_pending" or "unknown".
const char* running_fact(const ServiceState& service, const Moment& activation,
                         const std::string& boot_id);

}  // namespace rolesync::agent
