// SPDX-License-Identifier: Apache-2.0
#include "server/domain/rollout_outcome.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace rolesync::domain {
namespace {

bool went_wrong(TaskState state) {
  return state == TaskState::failed || state == TaskState::rolled_back ||
         state == TaskState::rollback_failed;
}

bool is_unreachable(const RolloutTask& task) {
  return task.state == TaskState::failed && task.reason == "node_gone";
}

std::size_t count(const Rollout& rollout, TaskState state) {
  return static_cast<std::size_t>(
      std::count_if(rollout.tasks.begin(), rollout.tasks.end(),
                    [&](const RolloutTask& task) { return task.state == state; }));
}

// The first task that went wrong, or was left out, in the job's order.
const RolloutTask* first_cause(const Rollout& rollout) {
  const RolloutTask* skipped = nullptr;
  for (const RolloutTask& task : rollout.tasks) {
    if (went_wrong(task.state)) return &task;
    if (task.state == TaskState::skipped && !skipped) skipped = &task;
  }
  return skipped;
}

// "web on n1 failed", with how many of how many when more than one may.
std::string excess(const Rollout& rollout, std::size_t lost, std::size_t allowed,
                   const std::string& what) {
  const RolloutTask* cause = first_cause(rollout);
  std::string text = cause ? cause->role + " on " + cause->node + " failed" : what;
  if (allowed > 0 || lost > 1) {
    text +=
        "; " + std::to_string(lost) + " " + what + ", at most " + std::to_string(allowed) + " may";
  }
  return text;
}

}  // namespace

Losses losses_of(const Rollout& rollout) {
  struct Node {
    bool failed = false, unreachable = false;
    std::string_view group;
  };
  std::unordered_map<std::string_view, Node> nodes;
  for (const RolloutTask& task : rollout.tasks) {
    Node& node = nodes[task.node];
    node.group = task.group;
    if (is_unreachable(task)) {
      node.unreachable = true;
    } else if (went_wrong(task.state)) {
      node.failed = true;
    }
  }
  Losses losses;
  losses.nodes = nodes.size();
  for (const auto& [name, node] : nodes) {
    losses.failed += node.failed ? 1 : 0;
    losses.unreachable += node.unreachable && !node.failed ? 1 : 0;
    if (node.group.empty()) continue;
    Losses::Group& group = losses.groups[std::string(node.group)];
    ++group.nodes;
    group.failed += node.failed ? 1 : 0;
  }
  return losses;
}

std::optional<std::string> over_budget(const Rollout& rollout) {
  const RolloutPolicy& policy = rollout.policy;
  if (std::none_of(rollout.tasks.begin(), rollout.tasks.end(),
                   [](const RolloutTask& task) { return went_wrong(task.state); })) {
    return std::nullopt;
  }
  const Losses losses = losses_of(rollout);
  const std::size_t failed = std::max(policy.max_failed.value_or(Amount()).at_most_of(losses.nodes),
                                      rollout.accepted_failed);
  if (losses.failed > failed) return excess(rollout, losses.failed, failed, "nodes failed");
  const std::size_t gone =
      std::max(policy.max_unreachable.value_or(Amount()).at_most_of(losses.nodes),
               rollout.accepted_unreachable);
  if (losses.unreachable > gone) {
    return excess(rollout, losses.unreachable, gone, "nodes were lost");
  }
  // What an operator has accepted, he has accepted for the groups as well.
  if (!policy.max_failed_per_group || losses.failed <= rollout.accepted_failed) return std::nullopt;
  for (const auto& [name, group] : losses.groups) {
    const std::size_t allowed = policy.max_failed_per_group->at_most_of(group.nodes);
    if (group.failed <= allowed) continue;
    return excess(rollout, group.failed, allowed, "nodes of " + name + " failed");
  }
  return std::nullopt;
}

std::vector<std::size_t> tasks_to_blame(const Rollout& rollout) {
  std::vector<std::size_t> tasks;
  if (!over_budget(rollout)) return tasks;
  for (std::size_t i = 0; i < rollout.tasks.size(); ++i) {
    const RolloutTask& task = rollout.tasks[i];
    // What fails before the switch, or is lost, is its node's fault.
    const bool ran_badly = task.state == TaskState::rolled_back ||
                           task.state == TaskState::rollback_failed || task.reason == "health_lost";
    if (ran_badly) tasks.push_back(i);
  }
  return tasks;
}

void end_job(Rollout& rollout) {
  const std::size_t total = rollout.tasks.size();
  const std::size_t succeeded = count(rollout, TaskState::succeeded);
  const std::size_t rolled_back = count(rollout, TaskState::rolled_back);
  const RolloutTask* cause = first_cause(rollout);
  if (succeeded == total) {
    rollout.state = JobState::succeeded;
    rollout.reason = total == 0 ? "nothing_to_do" : "";
    rollout.message = total == 0 ? "everything was current" : "";
    return;
  }
  if (!cause) {
    rollout.state = JobState::cancelled;
    rollout.reason = "cancelled";
    rollout.message = std::to_string(succeeded) + " of " + std::to_string(total) +
                      " tasks had succeeded when the job was cancelled";
    return;
  }
  rollout.state = succeeded > 0 ? JobState::partly_failed
                  : rolled_back > 0 && cause->state == TaskState::rolled_back &&
                          count(rollout, TaskState::failed) == 0 &&
                          count(rollout, TaskState::rollback_failed) == 0
                      ? JobState::rolled_back
                      : JobState::failed;
  rollout.reason = cause->reason;
  rollout.message = std::to_string(succeeded) + " of " + std::to_string(total) +
                    " tasks succeeded; " + cause->role + " on " + cause->node + ": " +
                    (cause->message.empty() ? cause->reason : cause->message);
}

}  // namespace rolesync::domain
