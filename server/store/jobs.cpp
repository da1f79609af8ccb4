// SPDX-License-Identifier: Apache-2.0
#include "server/store/jobs.hpp"

#include <set>

namespace rolesync::store {
namespace {

constexpr const char* job_columns =
    "SELECT id, plan_hash, state, reason, message, options, progress, requested_by, request_id, "
    "lease_owner, lease_until, created_at, started_at, finished_at, lease_fence "
    "FROM sync_jobs ";

SyncJob job_of(const Row& row) {
  SyncJob job;
  job.id = row.text(0);
  job.plan_hash = row.text(1);
  job.state = row.text(2);
  job.reason = row.text(3);
  job.message = row.text(4);
  job.options = row.text(5);
  job.progress = row.text(6);
  job.requested_by = row.text(7);
  job.request_id = row.text(8);
  job.lease_owner = row.text(9);
  job.lease_until = row.integer(10);
  job.created_at = row.integer(11);
  job.started_at = row.optional_integer(12);
  job.finished_at = row.optional_integer(13);
  job.lease_fence = row.integer(14);
  return job;
}

constexpr const char* task_columns =
    "SELECT id, job_id, node, role, state, reason, step, message, restart_pending, fence, "
    "position, source, commit_id, content_id, role_revision, from_commit, from_content_id, task, "
    "created_at, updated_at, started_at, finished_at FROM sync_tasks ";

SyncTask task_of(const Row& row) {
  SyncTask task;
  task.id = row.text(0);
  task.job_id = row.text(1);
  task.node = row.text(2);
  task.role = row.text(3);
  task.state = row.text(4);
  task.reason = row.text(5);
  task.step = row.text(6);
  task.message = row.text(7);
  task.restart_pending = row.boolean(8);
  task.fence = row.integer(9);
  task.position = static_cast<int>(row.integer(10));
  task.source = row.text(11);
  task.commit = row.text(12);
  task.content_id = row.text(13);
  task.role_revision = row.text(14);
  task.from_commit = row.text(15);
  task.from_content_id = row.text(16);
  task.task = row.text(17);
  task.created_at = row.integer(18);
  task.updated_at = row.integer(19);
  task.started_at = row.optional_integer(20);
  task.finished_at = row.optional_integer(21);
  return task;
}

Result<std::vector<SyncTask>> tasks(Session& session, const std::string& where,
                                    const std::vector<Value>& values) {
  return each_row<SyncTask>(session.query(task_columns + where, values), task_of);
}

std::string no_job(const std::string& id) {
  return "there is no sync job \"" + id + "\"";
}
std::string no_task(const std::string& id) {
  return "there is no task \"" + id + "\"";
}

}  // namespace

Status add_job(Session& session, const SyncJob& job) {
  return status_of(session.execute(
      "INSERT INTO sync_jobs (id, plan_hash, state, reason, message, options, progress, "
      "requested_by, request_id, lease_owner, lease_until, created_at, started_at, finished_at) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {job.id, job.plan_hash, job.state, job.reason, job.message, job.options, job.progress,
       job.requested_by, job.request_id, job.lease_owner, job.lease_until, job.created_at,
       job.started_at, job.finished_at}));
}

Result<SyncJob> find_job(Session& session, const std::string& id) {
  const auto row = first_row(session.query(std::string(job_columns) + "WHERE id = ?", {id}),
                             "unknown_job", no_job(id));
  if (!row) return row.error();
  return job_of(*row);
}

const ListColumns& job_list() {
  using Kind = FilterColumn::Kind;
  static const ListColumns list{
      "id",
      {{"created_at", "created_at", true}},
      {{"state", "state = ?"},
       {"created_by", "requested_by = ?"},
       {"plan_hash", "plan_hash = ?"},
       {"role", "EXISTS (SELECT 1 FROM sync_tasks t WHERE t.job_id = sync_jobs.id AND t.role = ?)",
        Kind::name},
       {"node", "EXISTS (SELECT 1 FROM sync_tasks t WHERE t.job_id = sync_jobs.id AND t.node = ?)",
        Kind::name},
       {"since", "created_at >= ?", Kind::time},
       {"until", "created_at < ?", Kind::time}}};
  return list;
}

Result<Listed<SyncJob>> list_jobs(Session& session, const Page& page) {
  return list_page<SyncJob>(session, job_columns, job_list(), page, job_of);
}

Result<std::vector<SyncJob>> unfinished_jobs(Session& session) {
  return each_row<SyncJob>(
      session.query(std::string(job_columns) +
                    "WHERE finished_at IS NULL AND state <> 'awaiting_approval' "
                    "ORDER BY created_at, id"),
      job_of);
}

Status save_job(Session& session, const SyncJob& job) {
  const auto saved = session.execute(
      "UPDATE sync_jobs SET state = ?, reason = ?, message = ?, progress = ?, started_at = ?, "
      "finished_at = ? WHERE id = ? AND lease_fence = ?",
      {job.state, job.reason, job.message, job.progress, job.started_at, job.finished_at, job.id,
       job.lease_fence});
  if (!saved) return saved.error();
  if (*saved > 0) return {};
  if (const auto known = find_job(session, job.id); !known) return known.error();
  return Error{ErrorKind::conflict, "lease_lost",
               "another server has taken job " + job.id + " over in the meantime"};
}

Result<std::optional<std::int64_t>> claim_job(Session& session, const std::string& id,
                                              const std::string& owner, std::int64_t fence,
                                              Millis until) {
  const auto rows = session.query(
      "UPDATE sync_jobs SET lease_owner = ?, lease_until = ?, lease_fence = lease_fence + 1 "
      "WHERE id = ? AND lease_fence = ? AND finished_at IS NULL RETURNING lease_fence",
      {owner, until, id, fence});
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<std::int64_t>{};
  if (Status told = session.tell("job", id); !told) return told.error();
  return std::optional<std::int64_t>{rows->front().integer(0)};
}

Result<bool> renew_job(Session& session, const std::string& id, std::int64_t fence, Millis until) {
  const auto renewed = session.execute(
      "UPDATE sync_jobs SET lease_until = ? WHERE id = ? AND lease_fence = ?", {until, id, fence});
  if (!renewed) return renewed.error();
  return *renewed > 0;
}

Status give_up_job(Session& session, const std::string& id, std::int64_t fence) {
  const auto given = session.execute(
      "UPDATE sync_jobs SET lease_owner = '' WHERE id = ? AND lease_fence = ?", {id, fence});
  return given ? session.tell("job", id) : Status{given.error()};
}

Status keep_placement(Session& session, const std::string& job_id, const std::string& placement) {
  return changed_row(
      session.execute("UPDATE sync_jobs SET placement = ? WHERE id = ?", {placement, job_id}),
      "unknown_job", no_job(job_id));
}

Result<std::string> placement_of_job(Session& session, const std::string& job_id) {
  const auto row =
      first_row(session.query("SELECT placement FROM sync_jobs WHERE id = ?", {job_id}),
                "unknown_job", no_job(job_id));
  if (!row) return row.error();
  return row->text(0);
}

Status add_task(Session& session, const SyncTask& task) {
  return status_of(session.execute(
      "INSERT INTO sync_tasks (id, job_id, node, role, state, reason, step, message, "
      "restart_pending, fence, position, source, commit_id, content_id, role_revision, "
      "from_commit, from_content_id, task, created_at, updated_at, started_at, finished_at) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {task.id,          task.job_id,          task.node,
       task.role,        task.state,           task.reason,
       task.step,        task.message,         task.restart_pending,
       task.fence,       task.position,        task.source,
       task.commit,      task.content_id,      task.role_revision,
       task.from_commit, task.from_content_id, task.task,
       task.created_at,  task.updated_at,      task.started_at,
       task.finished_at}));
}

Result<SyncTask> find_task(Session& session, const std::string& id) {
  const auto row = first_row(session.query(std::string(task_columns) + "WHERE id = ?", {id}),
                             "unknown_task", no_task(id));
  if (!row) return row.error();
  return task_of(*row);
}

Result<std::vector<SyncTask>> tasks_of_job(Session& session, const std::string& job_id) {
  return tasks(session, "WHERE job_id = ? ORDER BY position, id", {job_id});
}

const ListColumns& task_list() {
  using Kind = FilterColumn::Kind;
  static const ListColumns list{"id",
                                {{"created_at", "created_at", true}},
                                {{"job", "job_id = ?"},
                                 {"node", "node = ?", Kind::name},
                                 {"role", "role = ?", Kind::name},
                                 {"state", "state = ?"},
                                 {"reason", "reason = ?"},
                                 {"since", "created_at >= ?", Kind::time},
                                 {"until", "created_at < ?", Kind::time}}};
  return list;
}

Result<Listed<SyncTask>> list_tasks(Session& session, const Page& page) {
  return list_page<SyncTask>(session, task_columns, task_list(), page, task_of);
}

Result<std::vector<SyncTask>> open_tasks(Session& session) {
  return tasks(session, "WHERE finished_at IS NULL ORDER BY created_at, position, id", {});
}

Result<std::vector<SyncTask>> open_tasks_of_node(Session& session, const std::string& node) {
  return tasks(session, "WHERE finished_at IS NULL AND node = ? ORDER BY created_at, position, id",
               {node});
}

Status save_task(Session& session, const SyncTask& task) {
  return changed_row(
      session.execute(
          "UPDATE sync_tasks SET state = ?, reason = ?, step = ?, message = ?, "
          "restart_pending = ?, fence = ?, task = ?, updated_at = ?, started_at = ?, "
          "finished_at = ? WHERE id = ?",
          {task.state, task.reason, task.step, task.message, task.restart_pending, task.fence,
           task.task, task.updated_at, task.started_at, task.finished_at, task.id}),
      "unknown_task", no_task(task.id));
}

bool is_final_task_state(const std::string& state) {
  static const std::set<std::string> finals = {"succeeded", "rolled_back", "rollback_failed",
                                               "failed",    "skipped",     "cancelled"};
  return finals.contains(state);
}

bool is_final_job_state(const std::string& state) {
  static const std::set<std::string> finals = {"succeeded", "partly_failed", "failed",
                                               "rolled_back", "cancelled"};
  return finals.contains(state);
}

Result<bool> add_task_event(Session& session, const TaskEvent& event) {
  const auto added = session.execute(
      "INSERT INTO task_events (task_id, sequence, fence, boot_id, state, step, reason, message, "
      "output, restart_pending, details, at, received_at) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (task_id, sequence) DO NOTHING",
      {event.task_id, event.sequence, event.fence, event.boot_id, event.state, event.step,
       event.reason, event.message, event.output, event.restart_pending, event.details, event.at,
       event.received_at});
  if (!added) return added.error();
  if (*added == 0) return false;
  if (Status told = session.tell("task", event.task_id); !told) return told.error();
  return true;
}

Result<std::vector<TaskEvent>> events_of_task(Session& session, const std::string& task_id) {
  return each_row<TaskEvent>(
      session.query("SELECT task_id, sequence, fence, boot_id, state, step, reason, message, "
                    "output, restart_pending, details, at, received_at "
                    "FROM task_events WHERE task_id = ? ORDER BY sequence",
                    {task_id}),
      [](const Row& row) {
        return TaskEvent{row.text(0),  row.integer(1),  row.integer(2), row.text(3), row.text(4),
                         row.text(5),  row.text(6),     row.text(7),    row.text(8), row.boolean(9),
                         row.text(10), row.integer(11), row.integer(12)};
      });
}

Result<std::int64_t> next_fence(Session& session, const std::string& node,
                                const std::string& role) {
  const auto rows = session.query(
      "INSERT INTO fences (node, role, last) VALUES (?, ?, 1) "
      "ON CONFLICT (node, role) DO UPDATE SET last = fences.last + 1 RETURNING last",
      {node, role});
  if (!rows) return rows.error();
  return rows->at(0).integer(0);
}

Result<std::int64_t> last_fence(Session& session, const std::string& node,
                                const std::string& role) {
  const auto rows =
      session.query("SELECT last FROM fences WHERE node = ? AND role = ?", {node, role});
  if (!rows) return rows.error();
  return rows->empty() ? 0 : rows->front().integer(0);
}

Result<std::size_t> forget_jobs(Session& session, Millis before, int most) {
  const auto ids = each_row<std::string>(
      session.query("SELECT id FROM sync_jobs WHERE finished_at < ? ORDER BY finished_at LIMIT ?",
                    {before, most}),
      [](const Row& row) { return row.text(0); });
  if (!ids) return ids.error();
  for (const std::string& id : *ids) {
    for (const char* sql :
         {"DELETE FROM task_events WHERE task_id IN (SELECT id FROM sync_tasks WHERE job_id = ?)",
          "DELETE FROM sync_tasks WHERE job_id = ?", "DELETE FROM approvals WHERE job_id = ?",
          "DELETE FROM sync_jobs WHERE id = ?"}) {
      if (const auto gone = session.execute(sql, {id}); !gone) return gone.error();
    }
  }
  return ids->size();
}

}  // namespace rolesync::store
