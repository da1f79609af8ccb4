// SPDX-License-Identifier: Apache-2.0
// The life of a sync job, as a machine without clock, network or database: stage everywhere first,
// then switch in the order of the roles, canaries before all others and in batches; whatever
// happens, every task and the job end with a named cause. The runner (server/rollout) feeds it
// reports and time and carries out what it asks for; after a restart of the server it starts again
// from the saved states. Pure; any thread.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "host/values/timestamp.hpp"
#include "server/domain/rollout_policy.hpp"
#include "server/domain/rollout_states.hpp"

namespace rolesync::domain {

struct RolloutTask {
  std::string id, node, role;
  int order = 100;      // of its role: lower ones first
  bool canary = false;  // switched before all others
  int weight = 1;       // within its order: lighter ones first
  std::string group;    // of nodes that should not fail together; empty: none
  TaskState state = TaskState::pending;
  std::string step, reason, message;
  bool restart_pending = false;
  bool settled = false;     // succeeded, and has been well for as long as the policy wants
  Millis commanded_at = 0;  // when the last command was given
  std::optional<Millis> started_at, finished_at;
};

struct Rollout {
  JobState state = JobState::pending;
  std::string reason, message;
  RolloutPolicy policy;
  bool cancel_requested = false;
  bool pause_requested = false;
  bool promoted = false;            // the canaries are good: go on
  std::size_t accepted_failed = 0;  // over budget, and an operator said: go on
  std::size_t accepted_unreachable = 0;
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

// What is known of the nodes now.
struct Observed {
  // When a node was last seen; nothing: not since this server runs.
  std::function<std::optional<Millis>(const std::string& node)> last_seen;
  // Whether the role's service on the node fails its health check; none: it is not asked.
  std::function<bool(const std::string& node, const std::string& role)> is_failing;
};

// What is to be done now. Changes the states so that the same call again asks for nothing new.
std::vector<Order> advance(Rollout& rollout, Millis now, const Observed& observed,
                           const RolloutLimits& limits);

struct TaskReport {
  TaskState state = TaskState::pending;
  std::string step, reason, message;
  bool restart_pending = false;
};

// What an agent says about a task. False when it changes nothing: the task has ended, or the report
// is older than what is known.
bool apply(RolloutTask& task, const TaskReport& report, Millis now);

// Ends a task, whatever it was at.
void end_task(RolloutTask& task, TaskState state, std::string reason, std::string message,
              Millis now);

// Marks the tasks of so many nodes, in their order, as canaries.
void choose_canaries(Rollout& rollout, Amount amount);

}  // namespace rolesync::domain
