// SPDX-License-Identifier: Apache-2.0
#include "server/domain/rollout.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include "server/domain/rollout_outcome.hpp"
#include "server/domain/rollout_turn.hpp"

namespace rolesync::domain {
namespace {

// Ends tasks whose node is gone or whose time is over.
void end_overdue(Rollout& rollout, Millis now, const Observed& observed,
                 const RolloutLimits& limits, std::vector<Order>& orders) {
  for (std::size_t i = 0; i < rollout.tasks.size(); ++i) {
    RolloutTask& task = rollout.tasks[i];
    const bool at_work = task.state == TaskState::staging || has_begun_to_switch(task.state);
    if (!at_work) continue;
    const bool staging = task.state == TaskState::staging;
    const Millis limit = staging ? limits.stage : limits.activate;
    // A service that restarts may be the agent itself, which comes back as the old one at the
    // latest.
    const int patience = task.state == TaskState::restarting ? 2 : 1;
    // Who was told something just now need not be looked up.
    const bool gone = now - task.commanded_at > limits.node_gone * patience &&
                      now - observed.last_seen(task.node).value_or(0) > limits.node_gone * patience;
    if (gone) {
      end_task(task, TaskState::failed, "node_gone",
               "node " + task.node + " was not heard of for " +
                   std::to_string(limits.node_gone * patience / 1000) + " s while " +
                   std::string(to_word(task.state)),
               now);
    } else if (now - task.commanded_at > limit) {
      end_task(task, TaskState::failed, "task_timeout",
               "node " + task.node + " did not finish " + std::string(to_word(task.state)) +
                   " within " + std::to_string(limit / 1000) + " s",
               now);
    } else {
      continue;
    }
    orders.push_back({Order::Kind::drop, i});
  }
}

// A switched node has to stay well for a while before it counts.
void settle(Rollout& rollout, Millis now, const Observed& observed) {
  const Millis wanted = rollout.policy.min_healthy;
  for (RolloutTask& task : rollout.tasks) {
    if (task.state != TaskState::succeeded || task.settled) continue;
    const Millis since = now - task.finished_at.value_or(now);
    if (wanted > 0 && observed.is_failing && observed.is_failing(task.node, task.role)) {
      end_task(task, TaskState::failed, "health_lost",
               "it failed its health check " + std::to_string(since / 1000) + " s after the switch",
               now);
    } else {
      task.settled = since >= wanted;
    }
  }
}

// Whom the rollout would have waited for, had the time not come to an end.
void end_missed(Rollout& rollout, Millis now, const Observed& observed,
                const RolloutLimits& limits) {
  if (rollout.policy.catch_up_until == 0 || now < rollout.policy.catch_up_until) return;
  for (RolloutTask& task : rollout.tasks) {
    if (task.state != TaskState::pending) continue;
    const auto seen = observed.last_seen(task.node);
    if (seen && now - *seen <= limits.node_gone) continue;
    end_task(task, TaskState::skipped, "node_offline",
             "node " + task.node + " did not return in time", now);
  }
}

// Ends everything that has not begun to switch.
void call_off(Rollout& rollout, const std::string& reason, const std::string& message, Millis now,
              std::vector<Order>& orders) {
  for (std::size_t i = 0; i < rollout.tasks.size(); ++i) {
    RolloutTask& task = rollout.tasks[i];
    if (is_final(task.state) || has_begun_to_switch(task.state)) continue;
    const bool commanded = task.state != TaskState::pending;
    end_task(task, TaskState::cancelled, reason, message, now);
    if (commanded) orders.push_back({Order::Kind::drop, i});
  }
}

void go_on(Rollout& rollout, Millis now, const Observed& observed, const RolloutLimits& limits,
           std::vector<Order>& orders) {
  const Turn turn = next_turn(rollout, now, observed, limits);
  for (const std::size_t i : turn.stage) {
    rollout.tasks[i].state = TaskState::staging;
    rollout.tasks[i].commanded_at = now;
    rollout.tasks[i].started_at = now;
    orders.push_back({Order::Kind::stage, i});
  }
  for (const std::size_t i : turn.activate) {
    rollout.tasks[i].state = TaskState::activating;
    rollout.tasks[i].commanded_at = now;
    orders.push_back({Order::Kind::activate, i});
  }
}

void hold(Rollout& rollout, std::string reason, std::string message) {
  rollout.state = JobState::paused;
  rollout.reason = std::move(reason);
  rollout.message = std::move(message);
}

}  // namespace

std::vector<Order> advance(Rollout& rollout, Millis now, const Observed& observed,
                           const RolloutLimits& limits) {
  std::vector<Order> orders;
  if (is_final(rollout.state)) return orders;
  rollout.state = JobState::running;
  rollout.reason.clear();
  rollout.message.clear();
  end_overdue(rollout, now, observed, limits, orders);
  settle(rollout, now, observed);
  end_missed(rollout, now, observed, limits);

  const auto excess = over_budget(rollout);
  if (rollout.cancel_requested) {
    call_off(rollout, "cancelled", "the job was cancelled", now, orders);
  } else if (excess && !rollout.policy.ask) {
    call_off(rollout, "job_stopped", *excess, now, orders);
  } else if (excess) {
    hold(rollout, "failure_budget", *excess);
  } else if (rollout.pause_requested) {
    hold(rollout, "paused", "paused by an operator");
  } else {
    go_on(rollout, now, observed, limits, orders);
    const bool waits =
        awaits_promotion(rollout, now) &&
        std::any_of(rollout.tasks.begin(), rollout.tasks.end(),
                    [](const RolloutTask& task) { return !task.canary && !is_done(task); });
    if (waits) hold(rollout, "awaiting_promotion", "the canaries are done: promote, or cancel");
  }

  if (std::all_of(rollout.tasks.begin(), rollout.tasks.end(), is_done)) end_job(rollout);
  return orders;
}

void end_task(RolloutTask& task, TaskState state, std::string reason, std::string message,
              Millis now) {
  task.state = state;
  task.reason = std::move(reason);
  task.message = std::move(message);
  task.finished_at = now;
}

bool apply(RolloutTask& task, const TaskReport& report, Millis now) {
  if (is_final(task.state)) return false;
  if (!is_final(report.state) && report.state < task.state) return false;
  if (report.state == task.state && report.step == task.step && report.reason == task.reason &&
      report.message == task.message && report.restart_pending == task.restart_pending) {
    return false;
  }
  task.state = report.state;
  task.step = report.step;
  task.reason = report.reason;
  task.message = report.message;
  task.restart_pending = report.restart_pending;
  if (!task.started_at) task.started_at = now;
  if (is_final(task.state)) task.finished_at = now;
  return true;
}

void choose_canaries(Rollout& rollout, Amount amount) {
  std::unordered_set<std::string_view> nodes;
  for (const RolloutTask& task : rollout.tasks) nodes.insert(task.node);
  const std::size_t wanted = amount.at_least_one_of(nodes.size());
  nodes.clear();
  for (RolloutTask& task : rollout.tasks) {
    if (nodes.size() < wanted) nodes.insert(task.node);
    task.canary = nodes.contains(task.node);
  }
}

}  // namespace rolesync::domain
