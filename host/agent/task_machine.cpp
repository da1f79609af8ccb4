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

// A failure before the switch leaves nothing to undo but a stopped service. After it, the way back
// is gone to its end: a service with trouble is better than none.
constexpr std::array<Row, 11> kTable = {{
    {Step::pre_sync, "pre_sync", "activating", "pre_sync", has_pre_sync, Step::stop, End::failed},
    {Step::stop, "stop", "activating", "restart", stops, Step::activate, Step::resume},
    {Step::activate, "activate", "activating", "activate", always, Step::post_sync, Step::resume},
    {Step::post_sync, "post_sync", "activating", "post_sync", has_post_sync, Step::restart,
     Step::restore},
    {Step::restart, "restart", "restarting", "restart", restarts, Step::health, Step::restore},
    {Step::health, "health", "checking", "health", checks, End::succeeded, Step::restore},
    {Step::resume, "resume", "rolling_back", "restart", stops, End::failed, End::failed},
    {Step::restore, "restore", "rolling_back", "rollback", always, Step::restore_commands,
     End::rollback_failed},
    {Step::restore_commands, "restore_commands", "rolling_back", "rollback", has_old_commands,
     Step::restore_restart, Step::restore_restart},
    {Step::restore_restart, "restore_restart", "rolling_back", "rollback", restarts,
     Step::restore_health, Step::restore_health},
    {Step::restore_health, "restore_health", "rolling_back", "rollback", checks_old,
     End::rolled_back, End::rollback_failed},
}};

const Row& row(Step step) {
  return kTable[static_cast<std::size_t>(step)];
}

bool is_way_back(Step step) {
  return step == Step::restore_commands || step == Step::restore_restart ||
         step == Step::restore_health;
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
