// SPDX-License-Identifier: Apache-2.0
#include "host/agent/tasks.hpp"

#include <nlohmann/json.hpp>

#include "host/agent/log.hpp"
#include "host/agent/stage.hpp"
#include "host/agent/task_runner.hpp"
#include "host/services/durable_file.hpp"
#include "host/services/running_programs.hpp"

namespace rolesync::agent {

// A task that is being worked on or waits staged.
struct Tasks::Live {
  TaskRecord record;
  CancelFlag cancelled{false};
  bool activating = false;  // guarded by Tasks::mutex_
  Manifest manifest;        // once staged by this process
};

namespace {

std::string fences_path(const AgentConfig& config) {
  return config.state_dir + "/fences.json";
}

std::string task_id_of(const Json& payload) {
  if (!payload.is_object()) return "";
  auto it = payload.find("task_id");
  return it != payload.end() && it->is_string() ? it->get<std::string>() : "";
}

// Events numbered after the record was last saved may have reached the server already; a number
// that is used twice would be taken for a repetition and ignored.
constexpr std::uint64_t kUnsavedEvents = 1000;
constexpr std::chrono::minutes kGarbageInterval{10};

Error cancelled() {
  return {ErrorKind::conflict, "cancelled", "the task was cancelled before its switch"};
}

}  // namespace

Tasks::Tasks(Parts parts, Listener listener)
    : parts_(parts),
      listener_(std::move(listener)),
      actions_(parts.config.state_dir + "/actions"),
      workers_("tasks", parts.config.parallel_tasks, &parts.liveness) {
  load_fences();
}

Tasks::~Tasks() {
  stop();
}

void Tasks::stop() {
  stopping_ = true;
  {
    std::lock_guard lock(mutex_);
    for (auto& [id, live] : live_) live->cancelled = true;
  }
  workers_.stop();
}

void Tasks::load_fences() {
  Result<std::optional<std::string>> text = read_if_there(fences_path(parts_.config));
  if (!text || !text->has_value()) return;
  Result<Json> json = parse_json(**text);
  if (!json || !json->is_object()) return;
  for (const auto& [role, fence] : json->items()) {
    if (fence.is_number_unsigned()) fences_[role] = fence.get<std::uint64_t>();
  }
}

// A worker whose lease was taken over by another must not move this node any more.
Status Tasks::check_fence(const std::string& role, std::uint64_t fence) {
  std::lock_guard lock(mutex_);
  std::uint64_t& highest = fences_[role];
  if (fence < highest) {
    return Error{ErrorKind::conflict, "stale_fence",
                 "the order carries fence " + std::to_string(fence) + ", but role " + role +
                     " has already obeyed " + std::to_string(highest),
                 "another server has taken over this job"};
  }
  if (fence == highest) return {};
  highest = fence;
  return write_durably(fences_path(parts_.config), to_text(Json(fences_)));
}

std::shared_ptr<Tasks::Live> Tasks::find(const std::string& task_id) {
  std::lock_guard lock(mutex_);
  auto it = live_.find(task_id);
  return it == live_.end() ? nullptr : it->second;
}

void Tasks::forget(const std::string& task_id) {
  parts_.store.remove(task_id);
  std::lock_guard lock(mutex_);
  live_.erase(task_id);
}

void Tasks::refuse(const std::string& task_id, std::uint64_t fence, const Error& error) {
  parts_.events.refuse(task_id, fence, error);
  listener_.urgent();
}

void Tasks::end(TaskRecord& record, const char* state, const Error& error) {
  TaskEvent event;
  event.state = state;
  event.step = record.phase == TaskPhase::accepted ? "fetch" : "report";
  event.reason = error.reason;
  event.message = error.text();
  if (!parts_.events.result(record, event)) return;
  forget(record.task.task_id);
  listener_.ended();
}

void Tasks::stage(const Json& payload, std::uint64_t fence) {
  Result<Task> task = task_from_json(payload);
  if (!task) {
    const std::string id = task_id_of(payload);
    if (!id.empty()) refuse(id, fence, task.error());
    log_event(LogLevel::error, "command.refused", {{"detail", task.error().text()}});
    return;
  }
  if (Status complete = apply_defaults(task->role, parts_.config.role_defaults); !complete) {
    return refuse(task->task_id, fence, complete.error());
  }
  task->role = parts_.config.localized(std::move(task->role));
  if (Status fresh = check_fence(task->role.name, fence); !fresh) {
    return refuse(task->task_id, fence, fresh.error());
  }
  auto live = std::make_shared<Live>();
  live->record.task = std::move(*task);
  live->record.fence = fence;
  {
    std::lock_guard lock(mutex_);
    if (!live_.emplace(live->record.task.task_id, live).second) return;  // the same order again
  }
  if (Status saved = parts_.store.save(live->record); !saved) {
    return end(live->record, "failed", saved.error());
  }
  workers_.add(live->record.task.role.target_path, [this, live] { do_stage(live); });
}

void Tasks::do_stage(const std::shared_ptr<Live>& live) {
  TaskRecord& record = live->record;
  parts_.events.progress(record, {"staging", "fetch", "", "", ""});
  Stager stager(parts_.config, parts_.link, parts_.plugins, parts_.prover, parts_.events);
  std::string aside;
  Result<Held> held = record.task.adopt
                          ? parts_.installations.hold_for_adoption(record.task.role, aside)
                          : parts_.installations.hold(record.task.role);
  if (held && record.task.adopt) (void)parts_.installations.remember(record.task.role);
  Status staged =
      held ? stager.stage(record, **held, live->cancelled, live->manifest) : Status(held.error());
  if (stopping_) return;  // the next start reports it
  if (!staged) {
    const bool wanted = live->cancelled || staged.error().reason == "cancelled";
    if (held) (void)(*held)->discard_staged();
    return wanted ? end(record, "cancelled", cancelled()) : end(record, "failed", staged.error());
  }
  bool cancelled_meanwhile = false;
  {
    std::lock_guard lock(mutex_);
    cancelled_meanwhile = live->cancelled;
    if (!cancelled_meanwhile) record.phase = TaskPhase::staged;
  }
  if (cancelled_meanwhile) {
    (void)(*held)->discard_staged();
    return end(record, "cancelled", cancelled());
  }
  if (Status saved = parts_.store.save(record); !saved) {
    (void)(*held)->discard_staged();
    return end(record, "failed", saved.error());
  }
  parts_.events.progress(record, {"staged", "verify", "", "", ""});
  listener_.urgent();
}

void Tasks::activate(const std::string& task_id, std::uint64_t fence) {
  std::shared_ptr<Live> live = find(task_id);
  if (!live) {
    return refuse(task_id, fence,
                  {ErrorKind::not_found, "task_unknown", "this node has no staged task " + task_id,
                   "start the sync again"});
  }
  if (Status fresh = check_fence(live->record.task.role.name, fence); !fresh) {
    log_event(LogLevel::warning, "command.refused",
              {{"task", task_id}, {"detail", fresh.error().text()}});
    return;
  }
  {
    std::lock_guard lock(mutex_);
    if (live->activating || live->record.phase != TaskPhase::staged) return;
    live->activating = true;
    live->record.phase = TaskPhase::ordered;
    live->record.fence = fence;
  }
  // The order is acknowledged after this: it must be found again after a death.
  if (Status saved = parts_.store.save(live->record); !saved) {
    log_event(LogLevel::error, "task.record_unwritable",
              {{"task", task_id}, {"detail", saved.error().text()}});
  }
  workers_.add(live->record.task.role.target_path, [this, live] { do_activate(live); });
}

void Tasks::do_activate(const std::shared_ptr<Live>& live) {
  TaskRecord& record = live->record;
  if (record.phase == TaskPhase::done) return;  // staging failed, or it was cancelled meanwhile
  {
    Result<Held> held = parts_.installations.hold(record.task.role);
    if (!held) return end(record, "failed", held.error());
    if (live->cancelled) {
      (void)(*held)->discard_staged();
      return end(record, "cancelled", cancelled());
    }
    if (live->manifest.empty()) {
      // Staged by an earlier process of ours: its content is asked for again, and proven again.
      Stager stager(parts_.config, parts_.link, parts_.plugins, parts_.prover, parts_.events);
      Status staged = stager.stage(record, **held, live->cancelled, live->manifest);
      if (stopping_) return;
      if (!staged) {
        (void)(*held)->discard_staged();
        return end(record, "failed", staged.error());
      }
    }
    if (Status remembered = parts_.installations.remember(record.task.role); !remembered) {
      (void)(*held)->discard_staged();
      return end(record, "failed", remembered.error());
    }
    TaskRunner runner(runner_parts(), record, **held, std::move(live->manifest));
    runner.run();
    collect_garbage(record.task.role.name, **held);
  }
  finish(record);
}

// After the installation was let go: the report that this brings about looks at it.
void Tasks::finish(const TaskRecord& record) {
  if (stopping_) return;
  forget(record.task.task_id);
  listener_.ended();
}

TaskRunner::Parts Tasks::runner_parts() {
  return {parts_.config, parts_.plugins, parts_.prover, parts_.units,        parts_.ports,
          parts_.clock,  parts_.store,   parts_.events, parts_.self_updater, stopping_};
}

// It reads every kept release: not after every small task.
void Tasks::collect_garbage(const std::string& role, Installation& installation) {
  if (stopping_) return;
  {
    std::lock_guard lock(mutex_);
    const auto now = parts_.clock.monotonic();
    auto [last, first] = collected_.try_emplace(role, now);
    if (!first && now - last->second < kGarbageInterval) return;
    last->second = now;
  }
  if (Status collected = installation.collect_garbage(); !collected) {
    log_event(LogLevel::warning, "installation.garbage",
              {{"role", role}, {"detail", collected.error().text()}});
  }
}

void Tasks::cancel(const std::string& task_id, std::uint64_t fence) {
  std::shared_ptr<Live> live = find(task_id);
  if (!live) return;
  if (Status fresh = check_fence(live->record.task.role.name, fence); !fresh) {
    log_event(LogLevel::warning, "command.refused",
              {{"task", task_id}, {"detail", fresh.error().text()}});
    return;
  }
  (void)parts_.store.mark_cancelled(task_id);  // a cancelled task must not wait on after a death
  bool waits = false;
  {
    std::lock_guard lock(mutex_);
    live->cancelled = true;
    waits = live->record.phase == TaskPhase::staged && !live->activating;
    live->activating = live->activating || waits;  // nobody may begin it any more
  }
  // By the worker of that target, so that no two threads touch one record.
  if (waits) workers_.add(live->record.task.role.target_path, [this, live] { do_drop(live); });
}

void Tasks::do_drop(const std::shared_ptr<Live>& live) {
  if (Result<Held> held = parts_.installations.hold(live->record.task.role)) {
    (void)(*held)->discard_staged();
  }
  end(live->record, "cancelled", cancelled());
}

void Tasks::resume_all() {
  if (const std::size_t left = end_left_programs(programs_root(parts_.config)); left > 0) {
    log_event(LogLevel::warning, "plugin.left_programs_ended",
              {{"programs", std::to_string(left)}});
  }
  for (TaskRecord& record : parts_.store.load_all()) {
    if (record.phase == TaskPhase::done) {
      parts_.store.remove(record.task.task_id);
      continue;
    }
    record.next_sequence += kUnsavedEvents;
    if (Status saved = parts_.store.save(record); !saved) {
      log_event(LogLevel::error, "task.record_unwritable", {{"detail", saved.error().text()}});
    }
    resume(std::move(record));
  }
  resume_actions();
}

void Tasks::resume(TaskRecord record) {
  const std::string id = record.task.task_id;
  const std::string target = record.task.role.target_path;
  const TaskPhase phase = record.phase;
  auto live = std::make_shared<Live>();
  live->record = std::move(record);
  live->activating = phase == TaskPhase::ordered || phase == TaskPhase::switching;
  live->cancelled = phase != TaskPhase::switching && parts_.store.is_cancelled(id);
  {
    std::lock_guard lock(mutex_);
    live_.emplace(id, live);
  }
  if (live->cancelled) {
    live->activating = true;
    workers_.add(target, [this, live] { do_drop(live); });
  } else if (phase == TaskPhase::accepted) {
    workers_.add(target, [this, live] { do_stage(live); });
  } else if (phase == TaskPhase::staged) {
    // Whether the server was told is not known, and without it the activation never comes.
    parts_.events.progress(live->record, {"staged", "verify", "", "", ""});
  } else if (phase == TaskPhase::ordered) {
    workers_.add(target, [this, live] { do_activate(live); });
  } else if (phase == TaskPhase::switching) {
    workers_.add(target, [this, live] { do_resume(std::move(live->record)); });
  }
}

void Tasks::do_resume(TaskRecord record) {
  log_event(
      LogLevel::warning, "task.resumed",
      {{"task", record.task.task_id}, {"step", std::string(step_name(record.position.step))}});
  {
    Result<Held> held = parts_.installations.hold(record.task.role);
    if (!held) return end(record, "failed", held.error());
    TaskRunner runner(runner_parts(), record, **held, Manifest());
    runner.resume();
    collect_garbage(record.task.role.name, **held);
  }
  finish(record);
}

}  // namespace rolesync::agent
