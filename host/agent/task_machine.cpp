// SPDX-License-Identifier: Apache-2.0
#include "host/agent/task_machine.hpp"

#include <array>
#include <variant>

namespace rolesync::agent {
namespace {

using Target = std::variant<Step, End>;

struct Row {
  Step step;
  std::string_view name;
  std::string_view state;  // on the wire, while it is done
  std::string_view wire_step;
  bool (*has)(const TaskShape&);
  Target on_ok, on_failed;
  // Of one in which the agent died: the disk holds the task's release, or it does not.
  AfterDeath died_switched, died_unswitched;
};

bool always(const TaskShape&) {
  return true;
}
bool has_pre_sync(const TaskShape& s) {
  return s.has_pre_sync;
}
bool has_post_sync(const TaskShape& s) {
  return s.has_post_sync;
}
bool stops(const TaskShape& s) {
  return s.has_service && s.stop_first;
}
bool restarts(const TaskShape& s) {
  return s.has_service && (s.restart || s.stop_first);
}
bool checks(const TaskShape& s) {
  return restarts(s) && s.has_health;
}
bool has_old_commands(const TaskShape& s) {
  return s.had_release && s.old_commands;
}
bool checks_old(const TaskShape& s) {
  return s.had_release && checks(s);
}
bool drains(const TaskShape& s) {
  return restarts(s) && s.has_drain;
}
bool undrains(const TaskShape& s) {
  return restarts(s) && s.has_undrain;
}
// After a first install was taken back nothing is there to be used.
bool undrains_old(const TaskShape& s) {
  return s.had_release && restarts(s) && (s.has_undrain || s.old_undrain);
}

constexpr AfterDeath failed = AfterDeath::counts_as_failed, done = AfterDeath::counts_as_ok,
                     again = AfterDeath::again;

// A failure before the switch leaves nothing to undo but a stopped service and a drained node.
// After it, the way back is gone to its end: a service with trouble is better than none. The switch
// and the way back from it were ended by recovery before anybody asks here.
constexpr std::array<Row, step_count> kTable = {{
    {Step::pre_sync, "pre_sync", "activating", "pre_sync", has_pre_sync, Step::drain, End::failed,
     failed, failed},
    {Step::drain, "drain", "activating", "drain", drains, Step::stop, Step::resume_undrain, failed,
     failed},
    {Step::stop, "stop", "activating", "restart", stops, Step::activate, Step::resume, failed,
     failed},
    {Step::activate, "activate", "activating", "activate", always, Step::post_sync, Step::resume,
     done, failed},
    {Step::post_sync, "post_sync", "activating", "post_sync", has_post_sync, Step::restart,
     Step::restore, again, again},
    {Step::restart, "restart", "restarting", "restart", restarts, Step::health, Step::restore,
     again, again},
    {Step::health, "health", "checking", "health", checks, Step::undrain, Step::restore, again,
     again},
    {Step::undrain, "undrain", "checking", "undrain", undrains, End::succeeded, Step::restore,
     again, again},
    {Step::resume, "resume", "rolling_back", "restart", stops, Step::resume_undrain, End::failed,
     again, again},
    {Step::resume_undrain, "resume_undrain", "rolling_back", "undrain", undrains, End::failed,
     End::failed, again, again},
    {Step::restore, "restore", "rolling_back", "rollback", always, Step::restore_commands,
     End::rollback_failed, again, done},
    {Step::restore_commands, "restore_commands", "rolling_back", "rollback", has_old_commands,
     Step::restore_restart, Step::restore_restart, again, again},
    {Step::restore_restart, "restore_restart", "rolling_back", "rollback", restarts,
     Step::restore_health, Step::restore_health, again, again},
    {Step::restore_health, "restore_health", "rolling_back", "rollback", checks_old,
     Step::restore_undrain, End::rollback_failed, again, again},
    {Step::restore_undrain, "restore_undrain", "rolling_back", "undrain", undrains_old,
     End::rolled_back, End::rollback_failed, again, again},
}};

const Row& row(Step step) {
  return kTable[static_cast<std::size_t>(step)];
}

bool is_way_back(Step step) {
  return step >= Step::resume;
}

Next arrive(const TaskShape& shape, Target target, bool undo_trouble) {
  while (const Step* step = std::get_if<Step>(&target)) {
    if (row(*step).has(shape)) return {Position{*step, undo_trouble}, End::succeeded};
    target = row(*step).on_ok;
  }
  End end = std::get<End>(target);
  if (end == End::rolled_back && undo_trouble) end = End::rollback_failed;
  return {std::nullopt, end};
}

}  // namespace

Next first_step(const TaskShape& shape) {
  return arrive(shape, Step::pre_sync, false);
}

Next next_step(const TaskShape& shape, Position at, Outcome outcome) {
  const bool failed = outcome == Outcome::failed;
  const bool trouble = at.undo_trouble || (failed && is_way_back(at.step));
  return arrive(shape, failed ? row(at.step).on_failed : row(at.step).on_ok, trouble);
}

AfterDeath after_death(Step step, bool switched) {
  return switched ? row(step).died_switched : row(step).died_unswitched;
}

Next resumed_step(const TaskShape& shape, Position at, bool switched) {
  switch (after_death(at.step, switched)) {
    case AfterDeath::again:
      return {at, End::succeeded};
    case AfterDeath::counts_as_ok:
      return next_step(shape, at, Outcome::ok);
    case AfterDeath::counts_as_failed:
      return next_step(shape, at, Outcome::failed);
  }
  return {at, End::succeeded};
}

bool stays_drained(const TaskShape& shape, Step last, Outcome outcome) {
  const bool puts_back =
      last == Step::undrain || last == Step::resume_undrain || last == Step::restore_undrain;
  const bool can = shape.has_undrain || shape.old_undrain;
  return drains(shape) && can && last != Step::pre_sync && !(puts_back && outcome == Outcome::ok);
}

std::string_view step_name(Step step) {
  return row(step).name;
}

std::optional<Step> step_from_name(std::string_view name) {
  for (const Row& each : kTable) {
    if (each.name == name) return each.step;
  }
  return std::nullopt;
}

std::string_view wire_state(Step step) {
  return row(step).state;
}
std::string_view wire_step(Step step) {
  return row(step).wire_step;
}

std::string_view wire_state(End end) {
  switch (end) {
    case End::succeeded:
      return "succeeded";
    case End::failed:
      return "failed";
    case End::rolled_back:
      return "rolled_back";
    case End::rollback_failed:
      return "rollback_failed";
  }
  return "failed";
}

}  // namespace rolesync::agent
