// SPDX-License-Identifier: Apache-2.0
// The verbs of `node` that leave a node out of plans.
#pragma once

namespace CLI {
class App;
}

namespace rolesync::cli {

class Session;

void add_drain_verbs(CLI::App& node, Session& session);

}  // namespace rolesync::cli
