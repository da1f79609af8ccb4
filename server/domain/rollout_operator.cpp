// SPDX-License-Identifier: Apache-2.0
#include "server/domain/rollout_operator.hpp"

#include <algorithm>

#include "server/domain/rollout_outcome.hpp"
#include "server/domain/rollout_turn.hpp"

namespace rolesync::domain {
namespace {

Status refuse_ended(const Rollout& rollout) {
  if (!is_final(rollout.state)) return {};
  return Error{ErrorKind::conflict, "job_ended",
               "the job is " + std::string(to_word(rollout.state)), ""};
}

}  // namespace

Status pause(Rollout& rollout) {
  if (Status ended = refuse_ended(rollout); !ended) return ended;
  rollout.pause_requested = true;
  return {};
}

Status resume(Rollout& rollout) {
  if (Status ended = refuse_ended(rollout); !ended) return ended;
  rollout.pause_requested = false;
  const Losses losses = losses_of(rollout);
  rollout.accepted_failed = losses.failed;
  rollout.accepted_unreachable = losses.unreachable;
  return {};
}

Status promote(Rollout& rollout) {
  if (Status ended = refuse_ended(rollout); !ended) return ended;
  const auto is_canary = [](const RolloutTask& task) { return task.canary; };
  const bool any = std::any_of(rollout.tasks.begin(), rollout.tasks.end(), is_canary);
  const bool at_work = std::any_of(rollout.tasks.begin(), rollout.tasks.end(),
                                   [](const auto& task) { return task.canary && !is_done(task); });
  if (!any || at_work) {
    return Error{ErrorKind::conflict, "nothing_to_promote",
                 any ? "the canaries have not ended yet" : "the job has no canaries",
                 any ? "wait until the job is paused with the reason awaiting_promotion" : ""};
  }
  rollout.promoted = true;
  return {};
}

Result<std::vector<Order>> skip_node(Rollout& rollout, const std::string& node, Millis now) {
  if (Status ended = refuse_ended(rollout); !ended) return ended.error();
  std::vector<Order> orders;
  bool known = false;
  bool skipped = false;
  for (std::size_t i = 0; i < rollout.tasks.size(); ++i) {
    RolloutTask& task = rollout.tasks[i];
    if (task.node != node) continue;
    known = true;
    if (is_final(task.state) || has_begun_to_switch(task.state)) continue;
    if (task.state != TaskState::pending) orders.push_back({Order::Kind::drop, i});
    end_task(task, TaskState::skipped, "skipped_by_operator", "an operator left it out", now);
    skipped = true;
  }
  if (!known) return Error{ErrorKind::not_found, "no_such_task", "the job has no node " + node, ""};
  if (skipped) return orders;
  return Error{ErrorKind::conflict, "task_has_begun",
               "everything on node " + node + " has begun or ended", ""};
}

}  // namespace rolesync::domain
