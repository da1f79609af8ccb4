// SPDX-License-Identifier: Apache-2.0
// The version the agent reports; set by the build from the project's version. In a file of its own,
// so that a program can be made that says another one.
#pragma once

namespace rolesync::agent {

extern const char* const kAgentVersion;

}  // namespace rolesync::agent
