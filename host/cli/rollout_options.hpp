// SPDX-License-Identifier: Apache-2.0
// The options by which sync and schedule say how a job is rolled out. One thread.
#pragma once
#include <string>
#include <vector>

#include "host/values/json.hpp"
#include "host/values/result.hpp"

namespace CLI {
class App;
}

namespace rolesync::cli {

struct RolloutOptions {
  std::string on_failure, batches, canaries, max_failed, max_unreachable, max_failed_per_group;
  std::vector<std::string> canary_labels;
  int promote_after = -1, min_healthy = 0, stage_at_once = 0, catch_up = 0;  // seconds, nodes
};

void add_rollout(CLI::App& app, RolloutOptions& options);

// Adds on_failure and rollout, as far as they were said. Error: invalid/usage.
Status say_rollout(const RolloutOptions& options, Json& request);

}  // namespace rolesync::cli
