// SPDX-License-Identifier: Apache-2.0
// The options plan and sync share, so that both describe the same act. One thread.
#pragma once
#include <string>
#include <vector>

#include "host/values/json.hpp"

namespace CLI {
class App;
}

namespace rolesync::cli {

struct SyncOptions {
  std::vector<std::string> nodes;
  std::string commit, first_install, restart;
};

void add_selection(CLI::App& app, SyncOptions& options);

// Only what was said: the server's defaults stay the server's.
Json plan_request(const SyncOptions& options);

}  // namespace rolesync::cli
