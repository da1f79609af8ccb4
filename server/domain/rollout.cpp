// SPDX-License-Identifier: Apache-2.0
#include "server/domain/rollout.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace rolesync::domain {
namespace {

constexpr std::array<std::string_view, 13> task_words = {
    "pending",  "staging",      "staged",    "activating",  "restarting",
    "checking", "rolling_back", "succeeded", "rolled_back", "rollback_failed",
    "failed",   "skipped",      "cancelled"};
constexpr std::array<std::string_view, 7> job_words = {
    "pending", "running", "succeeded", "partly_failed", "failed", "rolled_back", "cancelled"};

bool has_begun_to_switch(TaskState state) {
  return state >= TaskState::activating && state <= TaskState::rolling_back;
}

bool went_wrong(TaskState state) {
  return state == TaskState::failed || state == TaskState::rolled_back ||
         state == TaskState::rollback_failed;
}

void end_task(RolloutTask& task, TaskState state, std::string reason, std::string message,
              Millis now) {
  task.state = state;
  task.reason = std::move(reason);
  task.message = std::move(message);
  task.finished_at = now;
}

// Ends tasks whose node is gone or whose time is over.
void end_overdue(Rollout& rollout, Millis now, const LastSeen& last_seen,
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
                      now - last_seen(task.node).value_or(0) > limits.node_gone * patience;
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

void stage_all(Rollout& rollout, Millis now, std::vector<Order>& orders) {
  for (std::size_t i = 0; i < rollout.tasks.size(); ++i) {
    RolloutTask& task = rollout.tasks[i];
    if (task.state != TaskState::pending) continue;
    task.state = TaskState::staging;
    task.commanded_at = now;
    task.started_at = now;
    orders.push_back({Order::Kind::stage, i});
  }
}

void activate_next(Rollout& rollout, Millis now, std::vector<Order>& orders) {
  int order = std::numeric_limits<int>::max();
  for (const RolloutTask& task : rollout.tasks) {
    if (task.state == TaskState::staging) return;  // first everything is staged
    if (!is_final(task.state)) order = std::min(order, task.order);
  }
  for (std::size_t i = 0; i < rollout.tasks.size(); ++i) {
    RolloutTask& task = rollout.tasks[i];
    if (task.state != TaskState::staged || task.order != order) continue;
    task.state = TaskState::activating;
    task.commanded_at = now;
    orders.push_back({Order::Kind::activate, i});
  }
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

}  // namespace

std::string_view to_word(TaskState state) {
  return task_words[static_cast<std::size_t>(state)];
}
std::string_view to_word(JobState state) {
  return job_words[static_cast<std::size_t>(state)];
}

std::optional<TaskState> task_state(std::string_view word) {
  const auto it = std::find(task_words.begin(), task_words.end(), word);
  if (it == task_words.end()) return std::nullopt;
  return static_cast<TaskState>(it - task_words.begin());
}

std::optional<JobState> job_state(std::string_view word) {
  const auto it = std::find(job_words.begin(), job_words.end(), word);
  if (it == job_words.end()) return std::nullopt;
  return static_cast<JobState>(it - job_words.begin());
}

bool is_final(TaskState state) {
  return state >= TaskState::succeeded;
}
bool is_final(JobState state) {
  return state >= JobState::succeeded;
}

std::vector<Order> advance(Rollout& rollout, Millis now, const LastSeen& last_seen,
                           const RolloutLimits& limits) {
  std::vector<Order> orders;
  if (is_final(rollout.state)) return orders;
  rollout.state = JobState::running;
  end_overdue(rollout, now, last_seen, limits, orders);

  const bool failed = std::any_of(rollout.tasks.begin(), rollout.tasks.end(),
                                  [](const RolloutTask& task) { return went_wrong(task.state); });
  if (rollout.cancel_requested) {
    call_off(rollout, "cancelled", "the job was cancelled", now, orders);
  } else if (failed && rollout.stop_on_failure) {
    const RolloutTask& cause = *first_cause(rollout);
    call_off(rollout, "job_stopped", cause.role + " on " + cause.node + " failed", now, orders);
  } else {
    stage_all(rollout, now, orders);
    activate_next(rollout, now, orders);
  }

  const bool ended = std::all_of(rollout.tasks.begin(), rollout.tasks.end(),
                                 [](const RolloutTask& task) { return is_final(task.state); });
  if (ended) end_job(rollout);
  return orders;
}

bool apply(RolloutTask& task, const TaskReport& report, Millis now) {
  if (is_final(task.state)) return false;
  if (!is_final(report.state) && report.state < task.state) return false;
  task.state = report.state;
  task.step = report.step;
  task.reason = report.reason;
  task.message = report.message;
  task.restart_pending = report.restart_pending;
  if (!task.started_at) task.started_at = now;
  if (is_final(task.state)) task.finished_at = now;
  return true;
}

}  // namespace rolesync::domain
