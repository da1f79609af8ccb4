// SPDX-License-Identifier: Apache-2.0
// `rolesync-agent doctor`: every precondition of the agent on this machine, and what to do about
// those that do not hold. Works beside a running agent, as any user, and without a network.
#pragma once
#include <map>
#include <string>

#include "host/agent/config.hpp"
#include "host/agent/doctor/finding.hpp"

namespace rolesync::agent::doctor {

Findings examine(const ConfigFlags& flags, const std::map<std::string, std::string>& environment);

}  // namespace rolesync::agent::doctor
