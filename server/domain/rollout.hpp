// SPDX-License-Identifier: Apache-2.0
// The life of a sync job, as a machine without clock, network or database: stage everywhere first,
// then activate in the order of the roles; whatever happens, every task and the job end with a
// named cause. The runner (server/rollout) feeds it reports and time and carries out what it asks
// for; after a restart of the server it starts again from the saved states. Pure; any thread.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/values/timestamp.hpp"

namespace rolesync::domain {

enum class TaskState {
  pending,
  staging,
  staged,
  activating,
  restarting,
  checking,
  rolling_back,
  succeeded,
  rolled_back,
  rollback_failed,
  failed,
  skipped,
  cancelled
};
std::string_view to_word(TaskState state);
std::optional<TaskState> task_state(std::string_view word);
bool is_final(TaskState state);

enum class JobState { pending, running, succeeded, partly_failed, failed, rolled_back, cancelled };
std::string_view to_word(JobState state);
std::optional<JobState> job_state(std::string_view word);
bool is_final(JobState state);

struct RolloutTask {
  std::string id, node, role;
  int order = 100;
  TaskState state = TaskState::pending;
  std::string step, reason, message;
  bool restart_pending = false;
  Millis commanded_at = 0;  // when the last command was given
  std::optional<Millis> started_at, finished_at;
};

struct Rollout {
  JobState state = JobState::pending;
  std::string reason, message;
  bool stop_on_failure = true;  // a task that fails ends the job before anything else is switched
  bool cancel_requested = false;
  std::vector<RolloutTask> tasks;
};

struct RolloutLimits {
  Millis node_gone = 120'000;   // a node that was not seen for so long while it had work to do
  Millis stage = 1'800'000;     // from the command to staged
  Millis activate = 1'800'000;  // from the command to the end
};

struct Order {
  enum class Kind {
    stage,     // tell the node to stage this task
    activate,  // tell the node to switch it
    drop       // withdraw its commands, tell the node to forget it
  } kind;
  std::size_t task;  // index into Rollout::tasks
  bool operator==(const Order&) const = default;
};

// When a node was last seen; nothing: not since this server runs.
using LastSeen = std::function<std::optional<Millis>(const std::string& node)>;

// What is to be done now. Changes the states so that the same call again asks for nothing new.
std::vector<Order> advance(Rollout& rollout, Millis now, const LastSeen& last_seen,
                           const RolloutLimits& limits);

struct TaskReport {
  TaskState state = TaskState::pending;
  std::string step, reason, message;
  bool restart_pending = false;
};

// What an agent says about a task. False when it changes nothing: the task has ended, or the report
// is older than what is known.
bool apply(RolloutTask& task, const TaskReport& report, Millis now);

}  // namespace rolesync::domain
