// SPDX-License-Identifier: Apache-2.0
// What a task does next: a table of step x outcome, and which steps a task has at all. Pure: no
// input, no output, no clock; the runner does the work and asks here where to go. Any thread.
#pragma once
#include <optional>
#include <string_view>

namespace rolesync::agent {

// The steps of an activation in order, and of the way back. `resume` starts a service again that
// was stopped for a switch which then did not happen.
enum class Step {
  pre_sync,
  stop,
  activate,
  post_sync,
  restart,
  health,
  resume,
  restore,
  restore_commands,
  restore_restart,
  restore_health,
};

enum class Outcome { ok, failed };

enum class End { succeeded, failed, rolled_back, rollback_failed };

// What decides which steps a task has.
struct TaskShape {
  bool has_pre_sync = false;
  bool has_post_sync = false;
  bool has_service = false;   // something runs for this role
  bool stop_first = false;    // switch: stopped
  bool restart = false;       // the task asks for a restart
  bool has_health = false;    // a port, or a service to watch
  bool had_release = false;   // there is a release to go back to
  bool old_commands = false;  // that release has commands of its own
};

struct Position {
  Step step = Step::pre_sync;
  bool undo_trouble = false;  // something on the way back failed; the way is still gone to its end
};

struct Next {
  std::optional<Position> at;  // the next step, or
  End end = End::succeeded;    // how it ended
};

// The first step of a task.
Next first_step(const TaskShape& shape);
// The step after `at` has come out as `outcome`; steps that the task does not have are passed over.
Next next_step(const TaskShape& shape, Position at, Outcome outcome);

// "pre_sync", ... as kept on disk.
std::string_view step_name(Step step);
std::optional<Step> step_from_name(std::string_view name);
// The state and step of docs/protocol.md while `step` is being done.
std::string_view wire_state(Step step);
std::string_view wire_step(Step step);
std::string_view wire_state(End end);

}  // namespace rolesync::agent
