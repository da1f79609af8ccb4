// SPDX-License-Identifier: Apache-2.0
// What an operator may want of a rollout that runs. The next advance carries it out; asking twice
// is fine. All: conflict/job_ended. Pure; any thread.
#pragma once
#include <string>
#include <vector>

#include "host/values/result.hpp"
#include "server/domain/rollout.hpp"

namespace rolesync::domain {

// Nothing new is begun; what has begun ends.
Status pause(Rollout& rollout);

// Goes on, also over the failure budget: what has gone wrong until now is accepted.
Status resume(Rollout& rollout);

// The canaries are good. Errors: conflict/nothing_to_promote.
Status promote(Rollout& rollout);

// Leaves out what has not begun to switch on this node; what it was told is taken back by the
// orders. Errors: not_found/no_such_task, conflict/task_has_begun.
Result<std::vector<Order>> skip_node(Rollout& rollout, const std::string& node, Millis now);

}  // namespace rolesync::domain
