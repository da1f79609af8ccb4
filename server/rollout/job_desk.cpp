// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/job_desk.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>

#include "host/values/secret.hpp"
#include "server/domain/plan_json.hpp"
#include "server/domain/stale.hpp"
#include "server/rollout/approvals.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/audit.hpp"
#include "server/store/freezes.hpp"
#include "server/store/held_contents.hpp"
#include "server/store/plans.hpp"

namespace rolesync::rollout {

struct JobDesk::Work {
  std::vector<store::SyncTask> tasks;
  std::string placement;
};

namespace {

using domain::PlanRow;

Error stale_error(const std::vector<std::string>& changes) {
  std::string message = "the plan does not hold any more: " + changes.front();
  if (changes.size() > 1) message += "; and " + std::to_string(changes.size() - 1) + " more";
  Error error{ErrorKind::conflict, "plan_stale", message,
              "plan again, or sync with on_stale skip to leave such rows out"};
  for (const std::string& change : changes) error.fields.push_back({"/plan_hash", change});
  return error;
}

Result<std::vector<CheckedRow>> check_rows(const std::vector<PlanRow>& approved,
                                           const std::vector<PlanRow>& now,
                                           const JobOptions& options) {
  std::vector<CheckedRow> rows;
  std::vector<std::string> changes;
  std::size_t runnable = 0;
  std::map<std::pair<std::string_view, std::string_view>, const PlanRow*> now_by_place;
  for (const PlanRow& row : now) now_by_place[{row.node, row.role}] = &row;
  for (const PlanRow& row : approved) {
    const auto same = now_by_place.find({row.node, row.role});
    const auto change =
        domain::what_changed(row, same == now_by_place.end() ? nullptr : same->second);
    if (change) changes.push_back(*change);
    if (const domain::Blocker* stopper = row.stopper()) {
      rows.push_back({row, stopper->reason, stopper->message});
    } else if (!row.acts()) {
      continue;
    } else if (change) {
      rows.push_back({row, "plan_stale", *change});
    } else {
      ++runnable;
      rows.push_back({row, "", ""});
    }
  }
  if (!changes.empty() && options.on_stale == "refuse") return stale_error(changes);
  if (runnable == 0 && !rows.empty()) {
    return Error{ErrorKind::conflict, "plan_blocked",
                 "no row of the plan can run: " + rows.front().skip_message,
                 "see the blockers of the plan"};
  }
  return rows;
}

store::SyncTask make_task(const CheckedRow& checked, const std::string& job_id, int position,
                          const Catalog& catalog, Millis now) {
  const PlanRow& row = checked.row;
  store::SyncTask task;
  task.id = new_id("task");
  task.job_id = job_id;
  task.node = row.node;
  task.role = row.role;
  task.state = checked.skip_reason.empty() ? "pending" : "skipped";
  task.reason = checked.skip_reason;
  task.message = checked.skip_message;
  task.position = position;
  task.commit = row.to.commit;
  task.content_id = row.to.content_id;
  task.role_revision = row.to.role_revision;
  task.from_commit = row.from.commit;
  task.from_content_id = row.from.content_id;
  task.created_at = task.updated_at = now;
  if (task.state == "skipped") task.finished_at = now;
  const auto role = catalog.usable.find(row.role);
  if (role == catalog.usable.end()) return task;
  task.source = role->second.code_source;
  task.task = to_text({{"task_id", task.id},
                       {"job_id", job_id},
                       {"role", role_to_json(role->second)},
                       {"role_revision", task.role_revision},
                       {"commit", task.commit},
                       {"content_id", task.content_id},
                       {"from_commit", task.from_commit},
                       {"from_content_id", task.from_content_id},
                       {"restart", row.restart},
                       {"restart_reason", row.restart_reason},
                       {"first_install", row.first_install}});
  return task;
}

// One apply at a time per node and role.
Status check_free(store::Session& session, const std::vector<store::SyncTask>& tasks) {
  auto open = store::open_tasks(session);
  if (!open) return open.error();
  std::map<std::pair<std::string_view, std::string_view>, const store::SyncTask*> by_place;
  for (const store::SyncTask& other : *open) by_place[{other.node, other.role}] = &other;
  for (const store::SyncTask& task : tasks) {
    const auto other = by_place.find({task.node, task.role});
    if (task.state == "skipped" || other == by_place.end()) continue;
    return Error{ErrorKind::conflict, "sync_in_progress",
                 task.role + " on " + task.node + " is being synced by " + other->second->job_id,
                 "wait for that job, or cancel it"};
  }
  return {};
}

std::string options_text(const JobOptions& options) {
  Json json = {{"on_stale", options.on_stale}, {"on_failure", options.on_failure}};
  if (Json rollout = to_json(options.rollout); !rollout.empty()) json["rollout"] = rollout;
  return to_text(json);
}

// The nodes of tasks that will run, in the order of the plan.
std::vector<std::string> nodes_of(const std::vector<store::SyncTask>& tasks) {
  std::vector<std::string> nodes;
  std::set<std::string_view> known;
  for (const store::SyncTask& task : tasks) {
    if (task.state != "skipped" && known.insert(task.node).second) nodes.push_back(task.node);
  }
  return nodes;
}

Status write_tasks(store::Session& session, const store::SyncJob& job, const std::string& placement,
                   std::vector<store::SyncTask>& tasks) {
  if (Status free = check_free(session, tasks); !free) return free;
  if (!placement.empty()) {
    if (Status kept = store::keep_placement(session, job.id, placement); !kept) return kept;
  }
  for (store::SyncTask& task : tasks) {
    if (task.state != "skipped") {
      const auto fence = store::next_fence(session, task.node, task.role);
      if (!fence) return fence.error();
      task.fence = *fence;
    }
    if (Status added = store::add_task(session, task); !added) return added;
  }
  return {};
}

Status add_approval(store::Session& session, const store::SyncJob& job,
                    const JobDesk::Decision& decision, Millis at) {
  return store::add_approval(session, {new_id("approval"), job.plan_hash, job.id, decision.by,
                                       decision.comment, decision.request_id, at});
}

Status audit(store::Session& session, const JobDesk::Decision& who, const char* action,
             const store::SyncJob& job, Json details, const JobOptions& options, Millis at) {
  store::AuditEntry entry;
  entry.at = at;
  entry.actor = who.by;
  entry.action = action;
  entry.subject = "job/" + job.id;
  details["plan_hash"] = job.plan_hash;
  if (const std::string& why = options.override_freeze; !why.empty()) {
    details["override_freeze"] = why;
  }
  entry.details = to_text(details);
  entry.request_id = who.request_id;
  const auto audited = store::append_audit(session, entry);
  return audited ? Status{} : Status{audited.error()};
}

}  // namespace

domain::PlanOptions plan_options_from_json(const std::string& request_json) {
  domain::PlanOptions options;
  const auto json = parse_json(request_json);
  if (!json || !json->is_object()) return options;
  options.first_install = json->value("first_install", options.first_install);
  options.restart = json->value("restart", options.restart);
  return options;
}

Result<std::vector<domain::Freeze>> JobDesk::freezes(Millis now) const {
  const auto records =
      store_.read([&](store::Session& session) { return store::open_freezes(session, now); });
  if (!records) return records.error();
  std::vector<domain::Freeze> freezes;
  for (const store::Freeze& record : *records) {
    freezes.push_back({record.id,
                       record.reason,
                       record.starts_at,
                       record.ends_at,
                       {record.roles.begin(), record.roles.end()},
                       {record.nodes.begin(), record.nodes.end()},
                       record.labels});
  }
  return freezes;
}

bool JobDesk::holds(const domain::Freeze& freeze, const PlanRow& row, Millis at) const {
  const NodePointer node = nodes_.find(row.node);
  static const std::map<std::string, std::string> none;
  return domain::covers(freeze, row.role, row.node, node ? node->labels : none, at);
}

Status JobDesk::apply_freezes(std::vector<CheckedRow>& rows, const JobOptions& options,
                              Millis now) const {
  if (!options.override_freeze.empty()) return {};
  const auto known = freezes(now);
  if (!known) return known.error();
  std::size_t running = 0;
  std::optional<Error> first;
  for (CheckedRow& checked : rows) {
    if (!checked.skip_reason.empty()) continue;
    const auto freeze = std::find_if(known->begin(), known->end(), [&](const auto& each) {
      return holds(each, checked.row, now);
    });
    if (freeze == known->end()) {
      ++running;
      continue;
    }
    checked.skip_reason = "frozen";
    checked.skip_message = checked.row.role + " on " + checked.row.node + " is frozen" +
                           (freeze->ends_at ? " until " + to_rfc3339(*freeze->ends_at) : "") +
                           ": " + freeze->reason;
    if (!first) {
      first = Error{ErrorKind::conflict, "frozen", checked.skip_message,
                    "wait for its end, lift it, or give a reason in override_freeze"};
    }
  }
  return first && (options.on_freeze == "refuse" || running == 0) ? Status{*first} : Status{};
}

// conflict/content_held when nothing else is left to do.
Status JobDesk::leave_out_held(std::vector<CheckedRow>& rows) const {
  const auto held = store_.read([](store::Session& s) { return store::held_contents(s); });
  if (!held) return held.error();
  std::size_t running = 0;
  std::string first;
  for (CheckedRow& checked : rows) {
    if (!checked.skip_reason.empty()) continue;
    const auto hold = std::find_if(held->begin(), held->end(), [&](const auto& each) {
      return each.role == checked.row.role && each.content_id == checked.row.to.content_id;
    });
    if (hold == held->end()) {
      ++running;
      continue;
    }
    checked.skip_reason = "content_held";
    checked.skip_message = "this content of " + hold->role + " broke " + hold->job_id + ": " +
                           (hold->message.empty() ? hold->reason : hold->message);
    if (first.empty()) first = checked.skip_message;
  }
  if (first.empty() || running > 0) return {};
  return Error{ErrorKind::conflict, "content_held", first,
               "commit a better one, or let it go with `rolesync role unhold`"};
}

Result<JobDesk::Work> JobDesk::prepare(const JobOrder& order, const std::string& job_id) const {
  const auto plan =
      store_.read([&](store::Session& s) { return store::find_plan(s, order.plan_hash); });
  if (!plan) return plan.error();
  const auto json = parse_json(plan->plan, {256 << 20, 64});
  if (!json) return json.error();
  const auto approved = domain::plan_rows_from_json(*json);
  if (!approved) return approved.error();
  for (const PlanRow& row : *approved) {
    if (order.only_roles && !order.only_roles->contains(row.role)) {
      return Error{ErrorKind::conflict, "plan_of_other_roles",
                   "the plan is also about role " + row.role,
                   "run it with POST /api/code-sync/sync, or plan for one role"};
    }
  }
  const auto now_rows = planner_.again(*approved, plan_options_from_json(plan->request));
  if (!now_rows) return now_rows.error();
  auto rows = check_rows(*approved, *now_rows, order.options);
  if (!rows) return rows.error();

  if (order.options.on_held == "skip") {
    if (Status left = leave_out_held(*rows); !left) return left.error();
  }
  const Millis now = now_millis();
  if (Status thawed = apply_freezes(*rows, order.options, now); !thawed) return thawed.error();
  const auto catalog = catalog_.get();
  Work work;
  for (const CheckedRow& row : *rows) {
    const int position = static_cast<int>(work.tasks.size());
    work.tasks.push_back(make_task(row, job_id, position, *catalog, now));
  }
  work.placement = placements_to_text(place(order.options.rollout, nodes_of(work.tasks), nodes_));
  return work;
}

Result<JobDesk::Opened> JobDesk::open(const JobOrder& order) const {
  if (order.earlier) {
    const auto earlier = store_.read(order.earlier);
    if (!earlier) return earlier.error();
    if (*earlier) return Opened{**earlier, false};
  }
  store::SyncJob job;
  job.id = new_id("job");
  auto work = prepare(order, job.id);
  if (!work) return work.error();
  job.plan_hash = order.plan_hash;
  job.state = "pending";
  job.options = options_text(order.options);
  job.requested_by = order.requested_by;
  job.request_id = order.request_id;
  job.created_at = now_millis();
  auto waiting = approvals_for(store_, nodes_, order, work->tasks);
  if (!waiting) return waiting.error();
  if (!waiting->policies.empty()) {
    job.state = "awaiting_approval";
    job.progress = to_text(to_json(*waiting));
  }
  const bool waits = !waiting->policies.empty();
  return store_.write([&](store::Session& session) -> Result<Opened> {
    if (order.earlier) {
      const auto earlier = order.earlier(session);
      if (!earlier) return earlier.error();
      if (*earlier) return Opened{**earlier, false};
    }
    if (Status added = store::add_job(session, job); !added) return added.error();
    const Decision self{order.requested_by, "", order.request_id};
    if (!waits) {
      Status written = write_tasks(session, job, work->placement, work->tasks);
      if (written) written = add_approval(session, job, self, job.created_at);
      if (!written) return written.error();
    }
    Status audited = audit(session, self, waits ? "sync.request" : "sync.start", job,
                           {{"tasks", work->tasks.size()}}, order.options, job.created_at);
    if (!audited) return audited.error();
    static const std::vector<store::SyncTask> none;
    if (order.keep) {
      if (Status kept = order.keep(session, job, waits ? none : work->tasks); !kept) {
        return kept.error();
      }
    }
    return Opened{job.id, true, waits};
  });
}

Result<JobDesk::Opened> JobDesk::approve(const std::string& job_id,
                                         const Decision& decision) const {
  store::SyncJob job;
  bool content = false;
  const Status counted = store_.write([&](store::Session& session) -> Status {
    auto found = waiting_job(session, job_id);
    if (!found) return found.error();
    job = std::move(*found);
    const Approvals wanted = approvals_from_text(job.progress);
    auto given = store::approvals_of(session, job_id);
    if (!given) return given.error();
    std::set<std::string> people;
    for (const store::Approval& each : *given) people.insert(each.approved_by);
    if (!people.contains(decision.by)) {
      if (Status may = check_approver(job, wanted, decision.by); !may) return may;
      const Millis now = now_millis();
      Status noted = add_approval(session, job, decision, now);
      if (noted) {
        noted =
            audit(session, decision, "sync.approve", job, {{"comment", decision.comment}}, {}, now);
      }
      if (!noted) return noted;
      people.insert(decision.by);
    }
    content = std::all_of(wanted.policies.begin(), wanted.policies.end(), [&](const auto& policy) {
      return domain::missing(policy, job.requested_by, people) == 0;
    });
    return {};
  });
  if (!counted) return counted.error();
  if (!content) return Opened{job_id, false, true};
  return start(job, decision);
}

// The world may have changed since it was asked for: its rows are checked again. What does not hold
// any more never will, so the job ends; what is frozen or busy may be tried again.
Result<JobDesk::Opened> JobDesk::start(const store::SyncJob& waiting,
                                       const Decision& decision) const {
  const JobOrder order = approvals_from_text(waiting.progress).order(waiting);
  auto work = prepare(order, waiting.id);
  if (!work) {
    const Error& error = work.error();
    if (error.reason == "plan_stale" || error.reason == "plan_blocked") {
      if (Status ended = end_waiting(waiting.id, "failed", error.reason, error.message); !ended) {
        return ended.error();
      }
    }
    return error;
  }
  return store_.write([&](store::Session& session) -> Result<Opened> {
    auto job = waiting_job(session, waiting.id);
    if (!job) return job.error();
    Status written = write_tasks(session, *job, work->placement, work->tasks);
    if (!written) return written.error();
    job->state = "pending";
    job->progress = "{}";
    written = store::save_job(session, *job);
    if (!written) return written.error();
    written = audit(session, decision, "sync.start", *job, {{"tasks", work->tasks.size()}},
                    order.options, now_millis());
    if (!written) return written.error();
    return Opened{job->id, true, false};
  });
}

Status JobDesk::withdraw(const std::string& job_id, const std::string& reason,
                         const Decision& decision) const {
  return end_waiting(job_id, "cancelled", reason, "withdrawn by " + decision.by);
}

Status JobDesk::end_waiting(const std::string& job_id, const std::string& state,
                            const std::string& reason, const std::string& message) const {
  return store_.write([&](store::Session& session) -> Status {
    auto job = waiting_job(session, job_id);
    if (!job) return job.error();
    job->state = state;
    job->reason = reason;
    job->message = message;
    job->finished_at = now_millis();
    return store::save_job(session, *job);
  });
}

}  // namespace rolesync::rollout
