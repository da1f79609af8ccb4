// SPDX-License-Identifier: Apache-2.0
// `rolesync-agent guard`: watches the new agent on trial from a process of its own, which runs the
// kept copy of the old program, and puts the old one back when the new one ends, or is not
// confirmed in time. Ends by itself. One thread.
#pragma once
#include "host/agent/config.hpp"

namespace rolesync::agent {

// Goes on detached; the caller's process ends with 0 as soon as the watch has begun.
int guard(const AgentConfig& config);

}  // namespace rolesync::agent
