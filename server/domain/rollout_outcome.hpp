// SPDX-License-Identifier: Apache-2.0
// What has become of a rollout: how many nodes were lost, whether that is more than its policy
// allows, and how the job ended. Pure; any thread.
#pragma once
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "server/domain/rollout.hpp"

namespace rolesync::domain {

// Nodes, not tasks.
struct Losses {
  std::size_t nodes = 0;        // of the job
  std::size_t failed = 0;       // went wrong, whether or not they were rolled back
  std::size_t unreachable = 0;  // gone while they had work to do
  struct Group {
    std::size_t nodes = 0, failed = 0;
  };
  std::map<std::string, Group> groups;
};
Losses losses_of(const Rollout& rollout);

// Why nothing more may be begun; nothing: it may.
std::optional<std::string> over_budget(const Rollout& rollout);

// Tasks whose content is to blame that the rollout went over its budget: they were switched, and
// did not run well. Empty while it is within.
std::vector<std::size_t> tasks_to_blame(const Rollout& rollout);

// Gives a job whose tasks have all ended its state, reason and message.
void end_job(Rollout& rollout);

}  // namespace rolesync::domain
