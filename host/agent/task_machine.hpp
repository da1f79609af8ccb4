// SPDX-License-Identifier: Apache-2.0
// What a task does next: a table of step x outcome, which steps a task has at all, and what becomes
// of a step in which the agent itself died. Pure: no input, no output, no clock; the runner does
// the work and asks here where to go. docs/agent.md shows the table; a test holds the two equal.
// Any thread.
#pragma once
#include <cstddef>
#include <optional>
#include <string_view>

namespace rolesync::agent {

// The steps of an activation in order, then the two ways back: `resume...` when nothing was
// switched (a service that was stopped is started again), `restore...` after a switch. A drained
// node is put back into use only once its service is known to be well.
enum class Step {
  pre_sync,
  drain,
  stop,
  activate,
  post_sync,
  restart,
  health,
  undrain,
  resume,
  resume_undrain,
  restore,
  restore_commands,
  restore_restart,
  restore_health,
  restore_undrain,
};
inline constexpr std::size_t step_count = 15;

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
  bool has_drain = false;     // a command before what leads to a restart
  bool has_undrain = false;   // a command once the service is well again
  bool old_undrain = false;   // the release before has one of its own
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

// What became of a step in which the agent died, now that recovery has ended every switch. `again`:
// it is done once more; it may have been done in part, wholly, or not at all.
enum class AfterDeath { counts_as_failed, counts_as_ok, again };
// `switched`: the disk holds the task's own release.
AfterDeath after_death(Step step, bool switched);
// The same as the next step to do.
Next resumed_step(const TaskShape& shape, Position at, bool switched);

// Whether a task that ended after this step has taken its node out of use and not put it back.
bool stays_drained(const TaskShape& shape, Step last, Outcome outcome);

// "pre_sync", ... as kept on disk.
std::string_view step_name(Step step);
std::optional<Step> step_from_name(std::string_view name);
// The state and step of docs/protocol.md while `step` is being done.
std::string_view wire_state(Step step);
std::string_view wire_step(Step step);
std::string_view wire_state(End end);

}  // namespace rolesync::agent
