// SPDX-License-Identifier: Apache-2.0
// Restarts, starts and stops without a sync, as orders of Tasks: by the same workers, so that none
// runs beside a switch of its target, and under the same fences.
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "host/agent/health.hpp"
#include "host/agent/log.hpp"
#include "host/agent/role_commands.hpp"
#include "host/agent/tasks.hpp"

namespace rolesync::agent {
namespace {

// As in the records of tasks: numbers used after the last save are not used again.
constexpr std::uint64_t kUnsavedEvents = 1000;

std::string action_id_of(const Json& payload) {
  if (!payload.is_object()) return "";
  auto it = payload.find("task_id");
  return it != payload.end() && it->is_string() ? it->get<std::string>() : "";
}

Error not_installed(const Role& role) {
  return {ErrorKind::failed, "role_not_installed",
          "role " + role.name + " is not installed on this node: there is no " + role.target_path,
          "sync it first"};
}

}  // namespace

void Tasks::control(const Json& payload, std::uint64_t fence) {
  Result<RoleAction> action = role_action_from_json(payload, fence);
  if (action) {
    Status complete = apply_defaults(action->role, parts_.config.role_defaults);
    if (!complete) action = complete.error();
  }
  if (!action) {
    const std::string id = action_id_of(payload);
    if (!id.empty()) refuse(id, fence, action.error());
    log_event(LogLevel::error, "command.refused", {{"detail", action.error().text()}});
    return;
  }
  action->role = parts_.config.localized(std::move(action->role));
  {
    std::lock_guard lock(mutex_);
    if (acting_.count(action->id)) return;  // the same order again
    // Every action has a fence of its own: one that was obeyed already was done, and reported.
    if (auto it = fences_.find(action->role.name); it != fences_.end() && it->second == fence) {
      return;
    }
  }
  // The record first: an action whose fence is written but which is nowhere would never end.
  if (Status saved = actions_.save(*action); !saved) {
    return refuse(action->id, fence, saved.error());
  }
  if (Status fresh = check_fence(action->role.name, fence); !fresh) {
    actions_.remove(action->id);
    return refuse(action->id, fence, fresh.error());
  }
  begin_action(std::move(*action));
}

void Tasks::begin_action(RoleAction action) {
  {
    std::lock_guard lock(mutex_);
    acting_.insert(action.id);
  }
  const std::string target = action.target();
  workers_.add(target, [this, action = std::move(action)]() mutable { do_action(action); });
}

void Tasks::resume_actions() {
  for (RoleAction& action : actions_.load_all()) {
    // Whether it was done is not known; doing it once more brings the same end about.
    action.next_sequence += kUnsavedEvents;
    end_left_commands(parts_.config, action.id);
    (void)actions_.save(action);
    (void)check_fence(action.role.name, action.fence);
    log_event(LogLevel::warning, "action.resumed", {{"action", action.id}});
    begin_action(std::move(action));
  }
}

void Tasks::do_action(RoleAction& action) {
  TaskRecord events;  // what its events are numbered by
  events.task.task_id = action.id;
  events.fence = action.fence;
  events.next_sequence = action.next_sequence;
  std::string detail;
  const Status done = perform_action(action, events, detail);
  if (stopping_) return;  // the next start does it again and reports it
  TaskEvent end{done ? "succeeded" : "failed", "report", "", std::move(detail), ""};
  if (!done) {
    end.reason = done.error().reason;
    end.message = done.error().text();
  }
  parts_.events.result(events, end);
  actions_.remove(action.id);
  {
    std::lock_guard lock(mutex_);
    acting_.erase(action.id);
  }
  listener_.ended();
}

Status Tasks::perform_action(const RoleAction& action, TaskRecord& events, std::string& detail) {
  const Role& role = action.role;
  if (!parts_.plugins.registry().has("restart_strategy", role.restart_strategy)) {
    return Error{ErrorKind::failed, "plugin_missing",
                 "this node has no restart_strategy plugin '" + role.restart_strategy + "'",
                 "install it in the agent's plugin directory"};
  }
  if (!role.target_path.empty()) {
    Result<std::string> root = allowed_root_of(parts_.config.limits, role.target_path);
    if (!root) return root.error();
    if (::access(role.target_path.c_str(), F_OK) != 0) return not_installed(role);
  }
  if (Status allowed = parts_.plugins.check_control(role); !allowed) return allowed;
  if (!role.drain_cmd.empty() || !role.undrain_cmd.empty()) {
    if (Status allowed = check_commands(parts_.config, role); !allowed) return allowed;
  }
  bool drained = false;
  Status done = act(action, events, detail, drained);
  if (done || !drained || stopping_) return done;
  Error error = done.error();
  error.message += "; the node was drained and has not been put back into use";
  return error;
}

// Out of use before it is stopped, back into use once it is healthy, as around a switch.
Status Tasks::act(const RoleAction& action, TaskRecord& events, std::string& detail,
                  bool& drained) {
  const Role& role = action.role;
  if (action.action != "start" && !role.drain_cmd.empty()) {
    Status drain = hook(action, role.drain_cmd, "drain", events);
    if (!drain) {  // as far as it came, and nothing was stopped: the node goes on as it was
      if (!role.undrain_cmd.empty()) (void)hook(action, role.undrain_cmd, "undrain", events);
      return drain;
    }
    drained = !role.undrain_cmd.empty();
  }
  parts_.events.progress(events, {"restarting", "restart", "", "", ""});
  listener_.urgent();
  Result<ServiceState> state =
      parts_.plugins.service(role, action.action.c_str(), parts_.units, parts_.ports, &stopping_);
  if (!state) return state.error();
  detail = state->detail;
  if (action.action == "stop") return {};
  parts_.events.progress(events, {"checking", "health", "", "", ""});
  HealthQuestion question{role, parts_.config.probed_addresses(), parts_.config.health_limit,
                          parts_.config.health_settle, parts_.config.health_down};
  question.cancelled = &stopping_;
  Status healthy = wait_until_healthy(question, [&] {
    return parts_.plugins.service(role, "status", parts_.units, parts_.ports, &stopping_);
  });
  if (!healthy || role.undrain_cmd.empty()) return healthy;
  return hook(action, role.undrain_cmd, "undrain", events);
}

Status Tasks::hook(const RoleAction& action, const Command& command, const char* step,
                   TaskRecord& events) {
  const std::string what = std::string(step) + "_cmd";
  const char* state = std::string_view(step) == "drain" ? "restarting" : "checking";
  parts_.events.progress(events, {state, step, "", "", ""});
  CommandOutcome outcome = run_role_command(
      parts_.config, {action.role, command, "", action.action, what.c_str(), action.id},
      &stopping_);
  if (!outcome.output.empty()) {
    parts_.events.progress(events, {state, step, "", "", std::move(outcome.output)});
  }
  return std::move(outcome.status);
}

}  // namespace rolesync::agent
