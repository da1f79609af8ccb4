// SPDX-License-Identifier: Apache-2.0
// What `rsync -e` runs as its connection: copies stdin to a descriptor and the descriptor to
// stdout until both directions have ended. One thread, no allocation.
#pragma once

namespace rolesync {

// `connection`: a connected socket (or both ends in one). Returns the exit code: 0 when both
// directions ended in order.
int run_bridge(int connection);

}  // namespace rolesync
