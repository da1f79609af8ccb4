// SPDX-License-Identifier: Apache-2.0
// The version the agent reports; set by the build from the project's version.
#pragma once

namespace rolesync::agent {

inline constexpr const char* kAgentVersion = ROLESYNC_VERSION;

}  // namespace rolesync::agent
