// SPDX-License-Identifier: Apache-2.0
#include "server/domain/rollout_turn.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <tuple>
#include <unordered_map>

namespace rolesync::domain {
namespace {

// Tasks of one group are switched side by side, groups one after the other.
using Group = std::tuple<bool, int>;
Group group_of(const RolloutTask& task) {
  return {!task.canary, task.order};
}

bool was_switched(const RolloutTask& task) {
  return has_begun_to_switch(task.state) || task.state == TaskState::succeeded ||
         task.state == TaskState::rolled_back || task.state == TaskState::rollback_failed;
}

// What one node has to do in the group whose turn it is.
struct NodeWork {
  std::size_t tasks = 0, done = 0, at_work = 0;
  int weight = 0;
  std::vector<std::size_t> staged;
};

std::vector<NodeWork> work_of(const Rollout& rollout, Group group) {
  std::vector<NodeWork> nodes;
  std::unordered_map<std::string_view, std::size_t> place_of;
  for (std::size_t i = 0; i < rollout.tasks.size(); ++i) {
    const RolloutTask& task = rollout.tasks[i];
    if (group_of(task) != group) continue;
    const auto [place, is_new] = place_of.try_emplace(task.node, nodes.size());
    if (is_new) nodes.emplace_back();
    NodeWork& node = nodes[place->second];
    ++node.tasks;
    node.weight = std::max(node.weight, task.weight);
    if (is_done(task)) {
      ++node.done;
    } else if (task.state == TaskState::staged) {
      node.staged.push_back(i);
    } else if (was_switched(task)) {
      ++node.at_work;
    }
  }
  return nodes;
}

// How many nodes may begin. A batch ends with its last node; in the last size one makes room for
// the next.
std::size_t room(const std::vector<Amount>& batches, std::size_t total, std::size_t done,
                 std::size_t at_work) {
  std::size_t end = 0;
  for (std::size_t i = 0; i + 1 < batches.size(); ++i) {
    end += batches[i].at_least_one_of(total);
    if (done < end) return end - std::min(end, done + at_work);
  }
  if (batches.empty()) return total;
  const std::size_t size = batches.back().at_least_one_of(total);
  return size - std::min(size, at_work);
}

std::vector<std::size_t> batch(const Rollout& rollout, Group group) {
  std::vector<NodeWork> nodes = work_of(rollout, group);
  std::size_t done = 0;
  std::size_t at_work = 0;
  for (const NodeWork& node : nodes) {
    if (node.done == node.tasks) ++done;
    if (node.at_work > 0) ++at_work;
  }
  std::size_t left = room(rollout.policy.batches, nodes.size(), done, at_work);
  std::stable_sort(nodes.begin(), nodes.end(),
                   [](const NodeWork& a, const NodeWork& b) { return a.weight < b.weight; });
  std::vector<std::size_t> tasks;
  for (const NodeWork& node : nodes) {
    if (node.staged.empty()) continue;
    if (node.at_work == 0) {  // a node that has begun has its place already
      if (left == 0) continue;
      --left;
    }
    tasks.insert(tasks.end(), node.staged.begin(), node.staged.end());
  }
  std::sort(tasks.begin(), tasks.end());
  return tasks;
}

}  // namespace

bool has_begun_to_switch(TaskState state) {
  return state >= TaskState::activating && state <= TaskState::rolling_back;
}

bool is_done(const RolloutTask& task) {
  return is_final(task.state) && (task.state != TaskState::succeeded || task.settled);
}

bool is_away(const Rollout& rollout, const RolloutTask& task, Millis now, const Observed& observed,
             const RolloutLimits& limits) {
  if (task.state != TaskState::pending || rollout.policy.catch_up_until <= now) return false;
  const auto seen = observed.last_seen(task.node);
  return !seen || now - *seen > limits.node_gone;
}

bool awaits_promotion(const Rollout& rollout, Millis now) {
  Millis last_end = 0;
  bool any = false;
  for (const RolloutTask& task : rollout.tasks) {
    if (!task.canary) continue;
    any = true;
    if (!is_done(task)) return false;
    last_end = std::max(last_end, task.finished_at.value_or(0));
  }
  if (!any || rollout.promoted) return false;
  const auto& after = rollout.policy.promote_after;
  return !after || last_end == 0 || now - last_end < *after;
}

Turn next_turn(const Rollout& rollout, Millis now, const Observed& observed,
               const RolloutLimits& limits) {
  Turn turn;
  std::optional<Group> group;
  std::set<std::string_view> staging;
  bool all_staged = true;
  bool switched = false;
  std::vector<std::size_t> pending;
  for (std::size_t i = 0; i < rollout.tasks.size(); ++i) {
    const RolloutTask& task = rollout.tasks[i];
    switched = switched || was_switched(task);
    if (is_away(rollout, task, now, observed, limits)) continue;
    if (!is_done(task)) group = std::min(group.value_or(group_of(task)), group_of(task));
    if (task.state == TaskState::staging) staging.insert(task.node);
    if (task.state == TaskState::pending) pending.push_back(i);
    if (task.state <= TaskState::staging) all_staged = false;
  }
  const std::size_t at_once = rollout.policy.stage_at_once;
  for (const std::size_t i : pending) {
    const std::string& node = rollout.tasks[i].node;
    if (at_once > 0 && staging.size() >= at_once && !staging.contains(node)) continue;
    staging.insert(node);
    turn.stage.push_back(i);
  }
  if (!group || (!all_staged && !switched)) return turn;
  const bool canaries = !std::get<0>(*group);
  if (canaries || !awaits_promotion(rollout, now)) turn.activate = batch(rollout, *group);
  return turn;
}

}  // namespace rolesync::domain
