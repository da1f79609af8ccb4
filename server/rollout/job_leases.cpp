// SPDX-License-Identifier: Apache-2.0
// JobRunner's part in running jobs with other servers: leases are kept, those that stand still are
// taken over, and what other servers have written is taken in.
#include <spdlog/spdlog.h>

#include "server/rollout/job_runner.hpp"
#include "server/rollout/wall_clock.hpp"

namespace rolesync::rollout {

void JobRunner::look_after_leases() {
  const auto now = LeaseWatch::Clock::now();
  if (now - leases_seen_ < lease_moves_every) return;
  leases_seen_ = now;
  renew_leases();
  const auto unfinished = store_.read([](store::Session& s) { return store::unfinished_jobs(s); });
  if (!unfinished) return;  // said by whoever writes
  Lock lock(mutex_);
  for (const store::SyncJob& job : *unfinished) {
    if (jobs_.contains(job.id)) continue;
    if (!watch_.may_take(job.id, {job.lease_owner, job.lease_fence, job.lease_until}, now))
      continue;
    spdlog::info("job={} state={} taken over", job.id, job.state);
    const Status begun = begin(lock, job.id, job.lease_fence);
    if (!begun) spdlog::error("job={} not taken over: {}", job.id, begun.error().text());
    watch_.forget(job.id);
  }
}

// A holder that finds its lease taken ends its work on the job at once.
void JobRunner::renew_leases() {
  std::map<std::string, std::int64_t> held;
  {
    const Lock lock(mutex_);
    for (const auto& [id, entry] : jobs_) held[id] = entry->job.lease_fence();
  }
  if (held.empty()) return;
  std::vector<std::string> lost;
  const Millis until = now_millis() + lease_lives / std::chrono::milliseconds(1);
  const Status renewed = store_.write([&](store::Session& session) -> Status {
    lost.clear();
    for (const auto& [id, fence] : held) {
      const auto mine = store::renew_job(session, id, fence, until);
      if (!mine) return mine.error();
      if (!*mine) lost.push_back(id);
    }
    return {};
  });
  if (!renewed) {
    spdlog::warn("leases not renewed: {}", renewed.error().text());
    return;
  }
  Lock lock(mutex_);
  for (const std::string& id : lost) {
    const auto it = jobs_.find(id);
    if (it == jobs_.end() || it->second->stepping) continue;  // its step finds out
    spdlog::warn("job={} is run by another server now", id);
    const EntryPointer entry = it->second;
    forget(entry->job);
  }
}

void JobRunner::task_told(const std::string& task_id) {
  {
    const Lock lock(mutex_);
    if (!place_of_.contains(task_id)) return;
  }
  const auto events =
      store_.read([&](store::Session& s) { return store::events_of_task(s, task_id); });
  if (!events) return;
  Lock lock(mutex_);
  const auto place = place_of_.find(task_id);
  if (place == place_of_.end()) return;
  const EntryPointer entry = place->second.entry;
  if (entry->job.apply(place->second.task, *events)) step_all(lock, {entry});
}

void JobRunner::job_told(const std::string& job_id) {
  const auto job = store_.read([&](store::Session& s) { return store::find_job(s, job_id); });
  if (!job || job->finished_at) return;
  Lock lock(mutex_);
  const auto it = jobs_.find(job_id);
  if (it == jobs_.end()) {
    if (!job->lease_owner.empty()) return;
    const Status begun = begin(lock, job_id, std::nullopt);  // its server stops
    if (!begun) spdlog::error("job={} not taken over: {}", job_id, begun.error().text());
    return;
  }
  if (job->lease_fence == it->second->job.lease_fence() || it->second->stepping) return;
  spdlog::info("job={} is run by another server now", job_id);
  const EntryPointer entry = it->second;
  forget(entry->job);
}

void JobRunner::read_again() {
  std::vector<std::string> jobs, tasks;
  {
    const Lock lock(mutex_);
    for (const auto& [id, entry] : jobs_) jobs.push_back(id);
    for (const auto& [id, place] : place_of_) {
      if (!store::is_final_task_state(place.entry->job.tasks()[place.task].state)) {
        tasks.push_back(id);
      }
    }
  }
  for (const std::string& id : jobs) job_told(id);
  for (const std::string& id : tasks) task_told(id);
}

void JobRunner::give_up_leases() {
  if (!store_.shared()) return;
  std::map<std::string, std::int64_t> held;
  {
    const Lock lock(mutex_);
    for (const auto& [id, entry] : jobs_) held[id] = entry->job.lease_fence();
  }
  if (held.empty()) return;
  const Status given = store_.write([&](store::Session& session) -> Status {
    for (const auto& [id, fence] : held) {
      if (Status each = store::give_up_job(session, id, fence); !each) return each;
    }
    return {};
  });
  if (!given) spdlog::warn("leases not given up: {}", given.error().text());
}

}  // namespace rolesync::rollout
