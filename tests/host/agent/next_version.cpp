// SPDX-License-Identifier: Apache-2.0
// The version of rolesync-agent-next: the agent of this build in all else, for stories in which it
// is updated.
#include "host/agent/version.hpp"

namespace rolesync::agent {

const char* const kAgentVersion = "0.1.0+next";

}  // namespace rolesync::agent
