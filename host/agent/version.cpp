// SPDX-License-Identifier: Apache-2.0
#include "host/agent/version.hpp"

namespace rolesync::agent {

const char* const kAgentVersion = ROLESYNC_VERSION;

}  // namespace rolesync::agent
