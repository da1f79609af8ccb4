// SPDX-License-Identifier: Apache-2.0
// A plugin as API and heartbeat show it. Pure; any thread.
#pragma once
#include "host/plugin/registry.hpp"

namespace rolesync::plugin {

// {"name", "version", "sha256", "path", "abi", "state", "reason", "detail", "isolated", "calls",
//  "faults", "last_fault": {"reason", "message", "at"} or null, "provides": [{"kind", "id",
//  "summary", "needs", "parallel", "options", "timeouts"}]}
Json plugin_to_json(const PluginInfo& info);

}  // namespace rolesync::plugin
