// SPDX-License-Identifier: Apache-2.0
// restart, start and stop of roles without a sync, as verbs of `rolesync node` and `rolesync role`.
// One thread.
#pragma once
#include "host/cli/session.hpp"

namespace rolesync::cli {

// rolesync node restart|start|stop NODE ROLE [--wait]
void add_node_actions(CLI::App& node, Session& session);
// rolesync role restart|start|stop ROLE [--node NODE ...] [--at-once]
void add_role_actions(CLI::App& role, Session& session);

}  // namespace rolesync::cli
