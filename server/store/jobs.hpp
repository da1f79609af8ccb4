// SPDX-License-Identifier: Apache-2.0
// Sync jobs, their tasks (one node, one role), what the agents reported about them, and the fences
// that make a stale worker harmless. States are DESIGN's words. Called inside Store::write or read.
#pragma once
#include <string>
#include <vector>

#include "host/values/timestamp.hpp"
#include "server/store/page.hpp"

namespace rolesync::store {

struct SyncJob {
  std::string id, plan_hash, state, reason, message;
  std::string options = "{}";   // JSON: batch size, budget, on_stale ...
  std::string progress = "{}";  // JSON: what the runner must know after a restart
  std::string requested_by, request_id;
  std::string lease_owner;       // the server that runs it; empty: nobody yet
  Millis lease_until = 0;        // moved on by its owner while it lives
  std::int64_t lease_fence = 0;  // one more with every claim
  Millis created_at = 0;
  std::optional<Millis> started_at, finished_at;
};

Status add_job(Session& session, const SyncJob& job);
Result<SyncJob> find_job(Session& session, const std::string& id);  // not_found/unknown_job
// Sorted by created_at.
const ListColumns& job_list();
Result<Listed<SyncJob>> list_jobs(Session& session, const Page& page);
// Oldest first, without those that wait for approval.
Result<std::vector<SyncJob>> unfinished_jobs(Session& session);
// Writes state, reason, message, progress, started_at and finished_at, if nobody has claimed the
// job since it was read. Errors: conflict/lease_lost.
Status save_job(Session& session, const SyncJob& job);
// Where each node stands in the job's rollout, as text of server/rollout/rollout_options.hpp.
Status keep_placement(Session& session, const std::string& job_id, const std::string& placement);
Result<std::string> placement_of_job(Session& session, const std::string& job_id);

// The job's new fence, or nothing when it has ended or somebody else has claimed it since `fence`.
Result<std::optional<std::int64_t>> claim_job(Session& session, const std::string& id,
                                              const std::string& owner, std::int64_t fence,
                                              Millis until);
// False when somebody else has claimed it.
Result<bool> renew_job(Session& session, const std::string& id, std::int64_t fence, Millis until);
// Others need not wait for the lease's end.
Status give_up_job(Session& session, const std::string& id, std::int64_t fence);
// Forgets up to `most` jobs that ended before, the oldest first, with their tasks, reports and
// approvals; returns how many.
Result<std::size_t> forget_jobs(Session& session, Millis before, int most);

struct SyncTask {
  std::string id, job_id, node, role, state, reason, step, message;
  bool restart_pending = false;
  std::int64_t fence = 0;
  int position = 0;  // in the job's order
  std::string source, commit, content_id, role_revision;
  std::string from_commit, from_content_id;  // empty: first install
  std::string task = "{}";                   // JSON sent to the agent
  Millis created_at = 0, updated_at = 0;
  std::optional<Millis> started_at, finished_at;
};

Status add_task(Session& session, const SyncTask& task);
Result<SyncTask> find_task(Session& session, const std::string& id);  // not_found/unknown_task
Result<std::vector<SyncTask>> tasks_of_job(Session& session, const std::string& job_id);
// Sorted by created_at.
const ListColumns& task_list();
Result<Listed<SyncTask>> list_tasks(Session& session, const Page& page);
Result<std::vector<SyncTask>> open_tasks(Session& session);  // not in a final state
Result<std::vector<SyncTask>> open_tasks_of_node(Session& session, const std::string& node);
// Writes state, reason, step, message, restart_pending, fence, task and the times.
Status save_task(Session& session, const SyncTask& task);
bool is_final_task_state(const std::string& state);
bool is_final_job_state(const std::string& state);

struct TaskEvent {
  std::string task_id;
  std::int64_t sequence = 0, fence = 0;
  std::string boot_id, state, step, reason, message, output;
  bool restart_pending = false;
  std::string details = "{}";  // JSON: release, saved files
  Millis at = 0, received_at = 0;
};

// True when it is new, false when (task_id, sequence) is known already.
Result<bool> add_task_event(Session& session, const TaskEvent& event);
Result<std::vector<TaskEvent>> events_of_task(Session& session, const std::string& task_id);

// The next number for (node, role): 1, 2, 3 ... never repeated.
Result<std::int64_t> next_fence(Session& session, const std::string& node, const std::string& role);
Result<std::int64_t> last_fence(Session& session, const std::string& node, const std::string& role);

}  // namespace rolesync::store
