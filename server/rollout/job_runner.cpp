// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/job_runner.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/values/json.hpp"
#include "host/values/secret.hpp"
#include "server/rollout/release_records.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/commands.hpp"

namespace rolesync::rollout {
namespace {

using domain::Order;
using domain::TaskState;

int order_of(const store::SyncTask& task) {
  const auto json = parse_json(task.task);
  if (!json || !json->is_object()) return 100;
  const Json role = json->value("role", Json::object());
  return role.is_object() ? role.value("order", 100) : 100;
}

// Positions carry the plan's order, which is that of the roles; the snapshot has the number itself.
domain::RolloutTask to_rollout(const store::SyncTask& task, Millis now) {
  domain::RolloutTask result;
  result.id = task.id;
  result.node = task.node;
  result.role = task.role;
  result.order = order_of(task);
  result.state = domain::task_state(task.state).value_or(TaskState::failed);
  result.step = task.step;
  result.reason = task.reason;
  result.message = task.message;
  result.restart_pending = task.restart_pending;
  result.commanded_at = now;  // a server that was away gives its nodes their time again
  result.started_at = task.started_at;
  result.finished_at = task.finished_at;
  return result;
}

bool option_is(const store::SyncJob& job, const char* option, const char* value) {
  const auto json = parse_json(job.options);
  return json && json->is_object() && json->value(option, Json()) == value;
}

store::CommandRecord command_for(const store::SyncTask& task, const Order& order,
                                 const std::string& request_id, Millis now) {
  store::CommandRecord command;
  command.node = task.node;
  command.task_id = task.id;
  command.fence = task.fence;
  command.request_id = request_id;
  command.created_at = now;
  command.payload = to_text({{"task_id", task.id}});
  const char* kind = "cancel";
  if (order.kind == Order::Kind::stage) {
    kind = "stage";
    command.payload = task.task;
  } else if (order.kind == Order::Kind::activate) {
    kind = "activate";
  }
  command.kind = kind;
  command.id = "cmd_" + std::string(kind) + "_" + task.id;  // the same order twice is one command
  return command;
}

void copy_state(store::SyncTask& task, const domain::RolloutTask& from, Millis now) {
  task.state = domain::to_word(from.state);
  task.step = from.step;
  task.reason = from.reason;
  task.message = from.message;
  task.restart_pending = from.restart_pending;
  task.started_at = from.started_at;
  task.finished_at = from.finished_at;
  task.updated_at = now;
}

bool differs(const store::SyncTask& a, const store::SyncTask& b) {
  return a.state != b.state || a.step != b.step || a.reason != b.reason || a.message != b.message ||
         a.restart_pending != b.restart_pending;
}

}  // namespace

JobRunner::JobRunner(store::Store& store, Commands& commands, NodeRegistry& nodes, EventLog& events,
                     domain::RolloutLimits limits)
    : store_(store), commands_(commands), nodes_(nodes), events_(events), limits_(limits) {}

Result<JobRunner::Job> JobRunner::load(const std::string& job_id) const {
  return store_.read([&](store::Session& session) -> Result<Job> {
    Job job;
    auto record = store::find_job(session, job_id);
    if (!record) return record.error();
    auto tasks = store::tasks_of_job(session, job_id);
    if (!tasks) return tasks.error();
    job.record = std::move(*record);
    job.tasks = std::move(*tasks);
    const Millis now = now_millis();
    job.rollout.state = domain::job_state(job.record.state).value_or(domain::JobState::pending);
    job.rollout.stop_on_failure = !option_is(job.record, "on_failure", "continue");
    const auto progress = parse_json(job.record.progress);
    job.rollout.cancel_requested =
        progress && progress->is_object() && progress->value("cancel_requested", Json()) == true;
    for (const auto& task : job.tasks) {
      domain::RolloutTask state = to_rollout(task, now);
      // What an agent had said when the server died, and was not taken over any more.
      auto said = store::events_of_task(session, task.id);
      if (!said) return said.error();
      for (const store::TaskEvent& event : *said) {
        const auto word = domain::task_state(event.state);
        if (!word || event.fence != task.fence) continue;
        domain::apply(state,
                      {*word, event.step, event.reason, event.message, event.restart_pending},
                      event.received_at);
      }
      job.rollout.tasks.push_back(std::move(state));
    }
    return job;
  });
}

Status JobRunner::resume() {
  const auto unfinished = store_.read([](store::Session& s) { return store::unfinished_jobs(s); });
  if (!unfinished) return unfinished.error();
  for (const store::SyncJob& job : *unfinished) {
    spdlog::info("job={} state={} resumed", job.id, job.state);
    if (Status begun = begin(job.id); !begun) return begun;
  }
  return {};
}

Status JobRunner::begin(const std::string& job_id) {
  const std::lock_guard lock(mutex_);
  if (jobs_.contains(job_id)) return {};
  auto loaded = load(job_id);
  if (!loaded) return loaded.error();
  for (const auto& task : loaded->tasks) job_of_[task.id] = job_id;
  Job& job = jobs_.emplace(job_id, std::move(*loaded)).first->second;
  return step(job);
}

Status JobRunner::cancel(const std::string& job_id) {
  const std::lock_guard lock(mutex_);
  const auto it = jobs_.find(job_id);
  if (it == jobs_.end()) {
    const auto record = store_.read([&](store::Session& s) { return store::find_job(s, job_id); });
    if (!record) return record.error();
    return Error{ErrorKind::conflict, "job_ended", "job " + job_id + " is " + record->state, ""};
  }
  it->second.rollout.cancel_requested = true;
  return step(it->second);
}

JobRunner::Job* JobRunner::job_of(const std::string& task_id, std::size_t& index) {
  const auto id = job_of_.find(task_id);
  if (id == job_of_.end()) return nullptr;
  Job& job = jobs_.at(id->second);
  for (index = 0; index < job.tasks.size(); ++index) {
    if (job.tasks[index].id == task_id) return &job;
  }
  return nullptr;
}

// Keeps one event, and with its end what it left on the disk; `role` stays empty when the event
// changes nothing: known already, of a task nobody knows any more, or of a stale worker.
Status JobRunner::keep_event(store::Session& session, const std::string& node,
                             const ReportedEvent& event, Millis now, std::string& role) {
  const auto task = store::find_task(session, event.record.task_id);
  if (!task && task.error().kind == ErrorKind::not_found) return {};
  if (!task) return task.error();
  if (task->node != node) {
    return Error{ErrorKind::denied, "task_of_other_node",
                 "task " + task->id + " belongs to another node", ""};
  }
  const auto added = store::add_task_event(session, event.record);
  if (!added) return added.error();
  if (!*added || event.record.fence != task->fence) return {};
  role = task->role;
  if (!event.release || !is_final(event.report.state)) return {};
  return record_deployed(session, *task, *event.release, now);
}

Status JobRunner::report(const std::string& node, const std::vector<ReportedEvent>& events) {
  const std::lock_guard lock(mutex_);
  const Millis now = now_millis();
  std::vector<std::string> roles(events.size());
  Status kept = store_.write([&](store::Session& session) -> Status {
    for (std::size_t i = 0; i < events.size(); ++i) {
      Status done = keep_event(session, node, events[i], now, roles[i]);
      if (!done) return done;
    }
    return {};
  });
  if (!kept) return kept;

  std::vector<std::string> touched;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (roles[i].empty()) continue;
    // What is on the disk counts, also when the task was given up in the meantime.
    if (events[i].release && is_final(events[i].report.state)) {
      nodes_.set_release(node, roles[i], *events[i].release, now);
    }
    std::size_t index = 0;
    Job* job = job_of(events[i].record.task_id, index);
    if (!job || !domain::apply(job->rollout.tasks[index], events[i].report, now)) continue;
    touched.push_back(job->record.id);
  }
  std::sort(touched.begin(), touched.end());
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
  for (const std::string& id : touched) {
    // An event is durable already; a step that cannot be written now is written by the next tick.
    const Status done = step(jobs_.at(id));
    if (!done) spdlog::error("job={} step not written: {}", id, done.error().text());
  }
  return {};
}

void JobRunner::tick() {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> ids;
  for (const auto& [id, job] : jobs_) ids.push_back(id);
  for (const std::string& id : ids) {
    const Status done = step(jobs_.at(id));
    if (!done) spdlog::error("job={} step not written: {}", id, done.error().text());
  }
}

std::vector<std::string> JobRunner::running() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> ids;
  for (const auto& [id, job] : jobs_) ids.push_back(id);
  return ids;
}

// Called with the mutex held. Ends with erasing the job when it has ended.
Status JobRunner::step(Job& job) {
  const Millis now = now_millis();
  Job next = job;
  const auto orders = domain::advance(
      next.rollout, now, [this](const std::string& node) { return nodes_.last_seen(node); },
      limits_);
  std::vector<store::CommandRecord> commands;
  std::vector<std::string> dropped;
  for (const Order& order : orders) {
    if (order.kind == Order::Kind::drop) dropped.push_back(next.tasks[order.task].id);
    commands.push_back(command_for(next.tasks[order.task], order, next.record.request_id, now));
  }
  bool changed = !orders.empty() || next.record.state != domain::to_word(next.rollout.state);
  for (std::size_t i = 0; i < next.tasks.size(); ++i) {
    const store::SyncTask before = next.tasks[i];
    copy_state(next.tasks[i], next.rollout.tasks[i], now);
    if (differs(before, next.tasks[i])) {
      changed = true;
    } else {
      next.tasks[i].updated_at = before.updated_at;
    }
  }
  const std::string progress = to_text({{"cancel_requested", next.rollout.cancel_requested}});
  if (progress != next.record.progress) changed = true;
  if (!changed) return {};

  next.record.progress = progress;
  next.record.state = domain::to_word(next.rollout.state);
  next.record.reason = next.rollout.reason;
  next.record.message = next.rollout.message;
  if (!next.record.started_at) next.record.started_at = now;
  if (is_final(next.rollout.state)) next.record.finished_at = now;
  Status written = store_.write(
      [&](store::Session& session) { return write(session, next, job, commands, dropped, now); });
  if (!written) return written;

  for (const std::string& task : dropped) commands_.forget_task(task);
  commands_.announce(commands);
  tell(next, job);
  job = std::move(next);
  if (is_final(job.rollout.state)) {
    const std::string id = job.record.id;
    for (const auto& task : job.tasks) job_of_.erase(task.id);
    jobs_.erase(id);
  }
  return {};
}

Status JobRunner::write(store::Session& session, const Job& job, const Job& before,
                        const std::vector<store::CommandRecord>& commands,
                        const std::vector<std::string>& dropped, Millis now) {
  for (std::size_t i = 0; i < job.tasks.size(); ++i) {
    if (!differs(job.tasks[i], before.tasks[i])) continue;
    if (Status saved = store::save_task(session, job.tasks[i]); !saved) return saved;
  }
  if (Status saved = store::save_job(session, job.record); !saved) return saved;
  for (const std::string& task : dropped) {
    Status withdrawn = store::withdraw_commands_of_task(session, task, now);
    if (!withdrawn) return withdrawn;
  }
  for (const store::CommandRecord& command : commands) {
    if (store::find_command(session, command.id)) continue;
    if (Status added = store::add_command(session, command); !added) return added;
  }
  return {};
}

void JobRunner::tell(const Job& job, const Job& before) {
  for (std::size_t i = 0; i < job.tasks.size(); ++i) {
    const store::SyncTask& task = job.tasks[i];
    if (!differs(task, before.tasks[i])) continue;
    events_.publish({.type = "task_changed",
                     .message = task.role + " on " + task.node + ": " + task.state +
                                (task.step.empty() ? "" : " (" + task.step + ")") +
                                (task.message.empty() ? "" : ": " + task.message),
                     .node = task.node,
                     .role = task.role,
                     .job = job.record.id,
                     .task = task.id,
                     .commit = task.commit,
                     .state = task.state,
                     .reason = task.reason,
                     .request_id = job.record.request_id});
  }
  if (job.record.state == before.record.state) return;
  events_.publish({.type = "job_changed",
                   .message = "job " + job.record.state +
                              (job.record.message.empty() ? "" : ": " + job.record.message),
                   .job = job.record.id,
                   .state = job.record.state,
                   .reason = job.record.reason,
                   .request_id = job.record.request_id});
}

}  // namespace rolesync::rollout
