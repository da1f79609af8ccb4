// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/job_runner.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "server/rollout/release_records.hpp"
#include "server/rollout/wall_clock.hpp"

namespace rolesync::rollout {

JobRunner::JobRunner(store::Store& store, Commands& commands, NodeRegistry& nodes, EventLog& events,
                     domain::RolloutLimits limits)
    : store_(store), commands_(commands), nodes_(nodes), events_(events), limits_(limits) {}

Status JobRunner::resume() {
  const auto unfinished = store_.read([](store::Session& s) { return store::unfinished_jobs(s); });
  if (!unfinished) return unfinished.error();
  for (const store::SyncJob& job : *unfinished) {
    // What another server may still run is looked after by tick.
    if (store_.shared() && !job.lease_owner.empty()) continue;
    spdlog::info("job={} state={} resumed", job.id, job.state);
    if (Status begun = begin(job.id); !begun) return begun;
  }
  return {};
}

Status JobRunner::begin(const std::string& job_id) {
  Lock lock(mutex_);
  return begin(lock, job_id, std::nullopt);
}

// False when another server has the job, it waits for approval, or has ended. `stale_fence`: take
// it from whoever has had it under that number.
Result<bool> JobRunner::claim(const std::string& job_id, std::optional<std::int64_t> stale_fence) {
  return store_.write([&](store::Session& session) -> Result<bool> {
    const auto job = store::find_job(session, job_id);
    if (!job) return job.error();
    const bool taken = store_.shared() && !job->lease_owner.empty() &&
                       job->lease_owner != store_.server() && stale_fence != job->lease_fence;
    if (taken || job->finished_at || job->state == "awaiting_approval") return false;
    const auto fence = store::claim_job(session, job_id, store_.server(), job->lease_fence,
                                        now_millis() + lease_lives / std::chrono::milliseconds(1));
    if (!fence) return fence.error();
    return fence->has_value();
  });
}

// Read under the lock: what a node reports meanwhile is either found in the table or applied after.
Status JobRunner::begin(Lock& lock, const std::string& job_id,
                        std::optional<std::int64_t> stale_fence) {
  if (jobs_.contains(job_id)) return {};
  const auto claimed = claim(job_id, stale_fence);
  if (!claimed) return claimed.error();
  if (!*claimed) return {};
  auto loaded = store_.read(
      [&](store::Session& session) { return RunningJob::load(session, job_id, now_millis()); });
  if (!loaded) return loaded.error();
  const auto entry = std::make_shared<Entry>(std::move(*loaded));
  jobs_[job_id] = entry;
  const auto& tasks = entry->job.tasks();
  for (std::size_t i = 0; i < tasks.size(); ++i) place_of_[tasks[i].id] = {entry, i};
  return step(lock, entry, Wait::yes);
}

// Whoever gets an operator's word takes the job: so its answer is that of the job as it is.
Status JobRunner::bring_here(Lock& lock, const std::string& job_id) {
  if (jobs_.contains(job_id)) return {};
  const auto record = store_.read([&](store::Session& s) { return store::find_job(s, job_id); });
  if (!record) return record.error();
  if (record->state == "awaiting_approval") {
    return Error{ErrorKind::conflict, "job_waits_for_approval",
                 "job " + job_id + " waits for approval; nothing of it has begun",
                 "approve it, or cancel it"};
  }
  if (!record->finished_at) {
    if (Status begun = begin(lock, job_id, record->lease_fence); !begun) return begun;
    if (jobs_.contains(job_id)) return {};
  }
  return Error{ErrorKind::conflict, "job_ended", "job " + job_id + " is " + record->state, ""};
}

Status JobRunner::act(const std::string& job_id, const JobAction& action) {
  Lock lock(mutex_);
  if (Status here = bring_here(lock, job_id); !here) return here;
  const EntryPointer entry = jobs_.at(job_id);
  if (Status taken = entry->job.act(action, now_millis()); !taken) return taken;
  return step(lock, entry, Wait::yes);
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
  const Millis now = now_millis();
  std::vector<std::string> roles(events.size());
  Status kept = store_.write([&](store::Session& session) -> Status {
    for (std::size_t i = 0; i < events.size(); ++i) {
      roles[i].clear();
      Status done = keep_event(session, node, events[i], now, roles[i]);
      if (!done) return done;
    }
    return {};
  });
  if (!kept) return kept;

  Lock lock(mutex_);
  std::vector<EntryPointer> touched;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (roles[i].empty()) continue;
    // What is on the disk counts, also when the task was given up in the meantime.
    if (events[i].release && is_final(events[i].report.state)) {
      nodes_.set_release(node, roles[i], *events[i].release, now);
    }
    const auto place = place_of_.find(events[i].record.task_id);
    if (place == place_of_.end()) continue;
    const EntryPointer& entry = place->second.entry;
    if (!entry->job.apply(place->second.task, events[i].report, now)) continue;
    if (std::find(touched.begin(), touched.end(), entry) == touched.end()) touched.push_back(entry);
  }
  step_all(lock, touched);
  return {};
}

void JobRunner::tick() {
  if (store_.shared()) look_after_leases();
  Lock lock(mutex_);
  std::vector<EntryPointer> all;
  for (const auto& [id, entry] : jobs_) all.push_back(entry);
  step_all(lock, all);
}

// What was reported is durable already; a step that cannot be written now is taken by a later tick.
void JobRunner::step_all(Lock& lock, const std::vector<EntryPointer>& entries) {
  for (const EntryPointer& entry : entries) {
    const Status done = step(lock, entry, Wait::no);
    if (!done) spdlog::error("job={} step not written: {}", entry->job.id(), done.error().text());
  }
}

std::vector<std::string> JobRunner::running() const {
  const Lock lock(mutex_);
  std::vector<std::string> ids;
  for (const auto& [id, entry] : jobs_) ids.push_back(id);
  return ids;
}

Status JobRunner::step(Lock& lock, const EntryPointer& entry, Wait wait) {
  const std::uint64_t mine = ++entry->wanted;
  if (entry->stepping && wait == Wait::no) return {};
  stepped_.wait(lock, [&] { return !entry->stepping || entry->taken >= mine; });
  if (entry->taken >= mine) return {};
  entry->stepping = true;
  Status done;
  while (done && entry->taken < entry->wanted) {
    const std::uint64_t target = entry->wanted;
    done = take_step(lock, *entry);
    if (done) entry->taken = target;
  }
  entry->stepping = false;
  stepped_.notify_all();
  const bool lost = !done.ok() && done.error().reason == "lease_lost";
  if (lost) spdlog::warn("job={} {}", entry->job.id(), done.error().message);
  if (entry->job.ended() || lost) forget(entry->job);
  return done;
}

// Gives the lock away while it writes and tells; only the thread that is stepping comes here.
Status JobRunner::take_step(Lock& lock, Entry& entry) {
  const Millis now = now_millis();
  const domain::Observed observed = {
      .last_seen = [this](const std::string& node) { return nodes_.last_seen(node); },
      .is_failing = [this](const std::string& node,
                           const std::string& role) { return nodes_.is_failing(node, role); }};
  auto next = entry.job.next(now, observed, limits_);
  if (!next) return {};
  lock.unlock();
  Status written = store_.write([&](store::Session& session) { return next->write(session, now); });
  if (written) {
    for (const std::string& task : next->dropped) commands_.forget_task(task);
    commands_.announce(next->commands);
    tell(*next);
  }
  lock.lock();
  if (written) entry.job.written(std::move(*next));
  return written;
}

void JobRunner::forget(const RunningJob& job) {
  for (const store::SyncTask& task : job.tasks()) place_of_.erase(task.id);
  jobs_.erase(job.id());
}

void JobRunner::tell(const JobStep& step) {
  for (const auto& [place, task] : step.tasks) {
    events_.publish({.type = "task_changed",
                     .message = task.role + " on " + task.node + ": " + task.state +
                                (task.step.empty() ? "" : " (" + task.step + ")") +
                                (task.message.empty() ? "" : ": " + task.message),
                     .node = task.node,
                     .role = task.role,
                     .job = step.record.id,
                     .task = task.id,
                     .commit = task.commit,
                     .state = task.state,
                     .reason = task.reason,
                     .request_id = step.record.request_id});
  }
  if (!step.state_changed) return;
  events_.publish({.type = "job_changed",
                   .message = "job " + step.record.state +
                              (step.record.message.empty() ? "" : ": " + step.record.message),
                   .job = step.record.id,
                   .state = step.record.state,
                   .reason = step.record.reason,
                   .request_id = step.record.request_id});
}

}  // namespace rolesync::rollout
