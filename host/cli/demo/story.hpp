// SPDX-License-Identifier: Apache-2.0
// `rolesync demo --script`: the whole story, unattended. Every step is done with the real program
// and then verified without it: git hashes the nodes' files, HTTP asks the nodes' services.
#pragma once
#include "host/cli/demo/fleet.hpp"
#include "host/cli/demo/narrator.hpp"
#include "host/values/result.hpp"

namespace rolesync::cli {

// The first thing that is not as it must be, or nothing.
Status play_story(DemoFleet& fleet, Narrator& narrator);

}  // namespace rolesync::cli
