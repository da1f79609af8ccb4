// SPDX-License-Identifier: Apache-2.0
#include "host/agent/task_runner.hpp"

#include <nlohmann/json.hpp>

#include "host/agent/health.hpp"
#include "host/agent/log.hpp"
#include "host/agent/role_commands.hpp"
#include "host/agent/running.hpp"
#include "host/values/json.hpp"

namespace rolesync::agent {
namespace {
constexpr std::uint64_t kSaveEvery = 200;  // events
}

TaskRunner::TaskRunner(Parts parts, TaskRecord& record, Installation& installation,
                       Manifest manifest)
    : parts_(parts), record_(record), installation_(installation), manifest_(std::move(manifest)) {}

TaskShape TaskRunner::shape() const {
  const Role& role = record_.task.role;
  TaskShape shape;
  shape.has_pre_sync = !role.pre_sync_cmd.empty();
  shape.has_post_sync = !role.post_sync_cmd.empty();
  shape.has_service = has_service(role);
  shape.stop_first = role.switch_mode == SwitchMode::stopped;
  shape.restart = record_.task.restart;
  shape.has_health = shape.has_service || role.health_check_port.has_value();
  if (SelfUpdater::concerns(role)) {
    // What runs is this very process, and that its server hears of it is its health.
    shape.has_service = shape.restart = true;
    shape.stop_first = shape.has_health = false;
  }
  shape.had_release = record_.had_release;
  shape.old_commands = record_.old_role && (!record_.old_role->pre_sync_cmd.empty() ||
                                            !record_.old_role->post_sync_cmd.empty());
  shape.has_drain = !role.drain_cmd.empty();
  shape.has_undrain = !role.undrain_cmd.empty();
  shape.old_undrain = record_.old_role && !record_.old_role->undrain_cmd.empty();
  return shape;
}

const Role& TaskRunner::old_role() const {
  return record_.old_role ? *record_.old_role : record_.task.role;
}

// The record says what may have begun before it begins.
bool TaskRunner::save() {
  Status saved = parts_.store.save(record_);
  if (!saved) {
    log_event(LogLevel::error, "task.record_unwritable",
              {{"task", record_.task.task_id}, {"detail", saved.error().text()}});
  }
  return saved.ok();
}

void TaskRunner::run() {
  const Release* before = installation_.current();
  record_.had_release = before != nullptr;
  if (before) {
    record_.old_commit = before->commit;
    Result<Json> snapshot = parse_json(before->role_snapshot);
    Result<Role> role = snapshot ? role_from_json(*snapshot) : Result<Role>(snapshot.error());
    if (role) record_.old_role = std::move(*role);
  }
  record_.phase = TaskPhase::switching;
  go_on(first_step(shape()));
}

void TaskRunner::resume() {
  if (const std::size_t left = end_left_commands(parts_.config, record_.task.task_id); left > 0) {
    log_event(LogLevel::warning, "task.left_command_ended",
              {{"task", record_.task.task_id},
               {"step", std::string(step_name(record_.position.step))},
               {"processes", std::to_string(left)}});
  }
  const Release* now = installation_.current();
  const bool switched = now && now->task_id == record_.task.task_id;
  if (after_death(record_.position.step, switched) == AfterDeath::counts_as_failed) {
    const bool before = record_.position.step < Step::activate;
    note_failure({ErrorKind::failed, "interrupted",
                  before ? "the agent ended before the switch"
                         : "the agent ended during the switch; the previous release was put back",
                  "start the sync again"});
  }
  go_on(resumed_step(shape(), record_.position, switched));
}

void TaskRunner::go_on(Next next) {
  Outcome last = Outcome::failed;  // without a next step there was one that failed
  while (next.at) {
    record_.position = *next.at;
    const Step step = next.at->step;
    const bool written = save();
    TaskEvent begun{std::string(wire_state(step)), std::string(wire_step(step)), "", "", ""};
    if (step == Step::restore) {
      begun.reason = record_.failure_reason;
      begun.message = record_.failure_message;
    }
    parts_.events.progress(record_, begun);
    StepResult result;
    if (!written && step == Step::activate) {
      result.status = Error{ErrorKind::unavailable, "state_unwritable",
                            "the task's record cannot be written, so nothing is switched",
                            "check space and permissions of the agent's state directory"};
    } else {
      result = perform(step);
    }
    // Ending by TERM in the middle of a step: the record stays as it is, the next start goes on.
    if (parts_.stopping) return;
    if (!result.status) note_failure(result.status.error());
    if (!result.output.empty() || !result.saved.empty() || !result.status) {
      TaskEvent done{std::string(wire_state(step)), std::string(wire_step(step)), "", "",
                     result.output};
      if (!result.status) {
        done.reason = result.status.error().reason;
        done.message = result.status.error().text();
      }
      done.saved = std::move(result.saved);
      parts_.events.progress(record_, done);
    }
    last = result.status ? Outcome::ok : Outcome::failed;
    next = next_step(shape(), record_.position, last);
  }
  if (next.end != End::succeeded && stays_drained(shape(), record_.position.step, last)) {
    record_.failure_message += "; the node was drained and has not been put back into use";
  }
  finish(next.end);
}

TaskRunner::StepResult TaskRunner::perform(Step step) {
  const Role& role = record_.task.role;
  switch (step) {
    case Step::pre_sync:
      return command(role, role.pre_sync_cmd, "sync", "pre_sync_cmd");
    case Step::drain:
      return command(role, role.drain_cmd, "sync", "drain_cmd");
    case Step::stop:
      return {control(role, "stop"), "", {}};
    case Step::activate:
      return switch_files();
    case Step::post_sync:
      return post_sync();
    case Step::restart:
      if (SelfUpdater::concerns(role)) return {parts_.self_updater.restart(record_), "", {}};
      return {control(role, shape().stop_first ? "start" : "restart"), "", {}};
    case Step::health:
      return {check_health(role), "", {}};
    case Step::undrain:
      return command(role, role.undrain_cmd, "sync", "undrain_cmd");
    case Step::resume:
      return {control(role, "start"), "", {}};
    case Step::resume_undrain:
      return command(role, role.undrain_cmd, "rollback", "undrain_cmd");
    case Step::restore:
      return restore_files();
    case Step::restore_commands:
      return restore_commands();
    case Step::restore_restart:
      return {restore_service(), "", {}};
    case Step::restore_health:
      return {check_health(old_role()), "", {}};
    case Step::restore_undrain: {
      // What is in use again may have its own way back into use; else the one that belongs to the
      // drain_cmd that was run.
      const Role& own = old_role().undrain_cmd.empty() ? role : old_role();
      return command(own, own.undrain_cmd, "rollback", "undrain_cmd");
    }
  }
  return {};
}

TaskRunner::StepResult TaskRunner::command(const Role& role, const Command& argv,
                                           const char* action, const char* what) {
  const bool back = std::string_view(action) == "rollback";
  const std::string& commit = back ? record_.old_commit : record_.task.commit;
  RoleCommand order{role, argv, commit, action, what, record_.task.task_id};
  order.progress = [this](std::chrono::seconds running, std::string_view tail) {
    tell_output(running, tail);
  };
  CommandOutcome outcome = run_role_command(parts_.config, order, &parts_.stopping);
  return {std::move(outcome.status), std::move(outcome.output), {}};
}

// Only of a command that takes long: what is in the step's own event in the end comes before it.
void TaskRunner::tell_output(std::chrono::seconds running, std::string_view tail) {
  const Step step = record_.position.step;
  parts_.events.progress(
      record_, {std::string(wire_state(step)), std::string(wire_step(step)), "",
                "running for " + std::to_string(running.count()) + " s", std::string(tail)});
  // After a death numbers are left out as far as unsaved ones may go.
  if (record_.next_sequence % kSaveEvery == 0) save();
}

TaskRunner::StepResult TaskRunner::switch_files() {
  const Task& task = record_.task;
  if (task.role.on_drift == OnDrift::refuse && installation_.current()) {
    Result<Proof> proof = parts_.prover.prove(task.role, installation_, Prover::Depth::needed);
    if (!proof) return {proof.error(), "", {}};
    if (!proof->drift.empty()) {
      return {Error{ErrorKind::conflict, "drifted",
                    "the role refuses to be replaced while " + std::to_string(proof->drift.size()) +
                        " of its files were changed by hand (" + proof->drift[0].path + ")",
                    "undo those changes, or set on_drift to replace"},
              "",
              {}};
    }
  }
  // The stager has checked it against its id; after a death there may be none here at all.
  if (manifest_.empty() && task.content_id != Manifest().content_id()) {
    return {Error{ErrorKind::failed, "manifest_mismatch",
                  "the staged manifest is not that of " + task.content_id, "start the sync again"},
            "",
            {}};
  }
  if (SelfUpdater::concerns(task.role)) {
    if (Status ready = parts_.self_updater.prepare(record_, manifest_); !ready) {
      return {ready.error(), "", {}};
    }
  }
  std::vector<std::string> paths;
  if (const Release* before = installation_.current()) {
    for (const ManifestChange& change : compare(before->manifest, manifest_)) {
      paths.push_back(change.path());
    }
  }
  Release next;
  next.role = task.role.name;
  next.role_revision = task.role_revision;
  next.role_snapshot = to_text(role_to_json(task.role));
  next.commit = task.commit;
  next.content_id = task.content_id;
  next.task_id = task.task_id;
  const Moment now = moment_of(parts_.clock);
  next.activated_at = now.at;
  next.activated_boot = now.boot_id;
  next.activated_since_boot = now.since_boot;
  next.manifest = std::move(manifest_);
  Result<SwitchReport> report = installation_.activate(std::move(next), task.first_install);
  if (report) {
    parts_.prover.switched(task.role.name, task.task_id, std::move(paths));
    return {{}, "", std::move(report->saved)};
  }
  // The tree is whole again before anybody goes on, forward or back.
  Result<std::string> recovered = installation_.recover();
  const Release* there = installation_.current();
  if (recovered && there && there->task_id == task.task_id) return {};
  if (!recovered) {
    log_event(LogLevel::error, "task.recovery_failed",
              {{"task", task.task_id}, {"detail", recovered.error().text()}});
  }
  return {report.error(), "", {}};
}

TaskRunner::StepResult TaskRunner::post_sync() {
  const Role& role = record_.task.role;
  StepResult result = command(role, role.post_sync_cmd, "sync", "post_sync_cmd");
  if (!result.status) return result;
  Result<std::vector<std::string>> rewritten = installation_.record_rewritten();
  if (!rewritten) result.status = rewritten.error();
  return result;
}

TaskRunner::StepResult TaskRunner::restore_files() {
  // A first install that failed leaves nothing running from files that are about to go.
  if (!record_.had_release && shape().has_service && shape().restart &&
      !SelfUpdater::concerns(record_.task.role)) {
    (void)control(record_.task.role, "stop");
  }
  Result<SwitchReport> report = installation_.roll_back(moment_of(parts_.clock));
  if (report) return {{}, "", std::move(report->saved)};
  if (record_.had_release || report.error().reason != "no_previous") {
    return {report.error(), "", {}};
  }
  Result<SwitchReport> removed = installation_.remove();  // nothing was here before
  if (!removed) return {removed.error(), "", {}};
  return {{}, "", std::move(removed->saved)};
}

TaskRunner::StepResult TaskRunner::restore_commands() {
  const Role& role = old_role();
  StepResult result;
  const std::pair<const Command*, const char*> commands[] = {
      {&role.pre_sync_cmd, "pre_sync_cmd"}, {&role.post_sync_cmd, "post_sync_cmd"}};
  for (const auto& [argv, what] : commands) {
    if (argv->empty()) continue;
    StepResult one = command(role, *argv, "rollback", what);
    result.output += one.output;
    if (!one.status) {
      result.status = std::move(one.status);
      return result;
    }
  }
  Result<std::vector<std::string>> rewritten = installation_.record_rewritten();
  if (!rewritten) result.status = rewritten.error();
  return result;
}

Status TaskRunner::restore_service() {
  if (SelfUpdater::concerns(record_.task.role)) return parts_.self_updater.return_to_old();
  if (!record_.had_release) return {};  // it was stopped before its files went
  return control(old_role(), shape().stop_first ? "start" : "restart");
}

Status TaskRunner::control(const Role& role, const char* action) {
  Result<ServiceState> state =
      parts_.plugins.service(role, action, parts_.units, parts_.ports, &parts_.stopping);
  return state.ok() ? Status{} : Status{state.error()};
}

Status TaskRunner::check_health(const Role& role) {
  HealthQuestion question{role, parts_.config.probed_addresses(), parts_.config.health_limit,
                          parts_.config.health_settle, parts_.config.health_down};
  question.cancelled = &parts_.stopping;
  return wait_until_healthy(question, [&] {
    return parts_.plugins.service(role, "status", parts_.units, parts_.ports, &parts_.stopping);
  });
}

void TaskRunner::note_failure(const Error& error) {
  if (record_.failure_reason.empty()) {  // the first one is the cause
    record_.failure_reason = error.reason;
    record_.failure_message = error.text();
    return;
  }
  // Trouble on the way back is told beside it, once.
  const std::string also =
      "; " + std::string(step_name(record_.position.step)) + ": " + error.message;
  if (record_.failure_message.find(also) == std::string::npos) record_.failure_message += also;
}

bool TaskRunner::restart_is_pending() const {
  const Role& role = record_.task.role;
  if (!shape().has_service || shape().restart || shape().stop_first) return false;
  const Release* now = installation_.current();
  Result<ServiceState> state =
      parts_.plugins.service(role, "status", parts_.units, parts_.ports, nullptr);
  if (!now || !state || state->state != "running") return false;
  return started_before(*state, activation_of(*now), parts_.clock.boot_id()).value_or(true);
}

void TaskRunner::finish(End end) {
  TaskEvent event;
  event.state = wire_state(end);
  event.step = "report";
  if (end != End::succeeded) {
    event.reason = record_.failure_reason;
    event.message = record_.failure_message;
  }
  if (end == End::failed) (void)installation_.discard_staged();  // nobody will switch to it
  Result<Proof> proof =
      parts_.prover.prove(record_.task.role, installation_, Prover::Depth::needed);
  if (proof) event.verified_at = proof->verified_at;
  event.release = installation_.current();
  event.restart_pending = end == End::succeeded && restart_is_pending();
  if (SelfUpdater::concerns(record_.task.role)) parts_.self_updater.forget();
  if (!parts_.events.result(record_, event)) return;
  record_.phase = TaskPhase::done;
  save();
}

}  // namespace rolesync::agent
