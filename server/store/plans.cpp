// SPDX-License-Identifier: Apache-2.0
#include "server/store/plans.hpp"

namespace rolesync::store {

Status add_plan(Session& session, const PlanRecord& plan) {
  return status_of(session.execute(
      "INSERT INTO plans (hash, plan, request, created_by, request_id, created_at) "
      "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING",
      {plan.hash, plan.plan, plan.request, plan.created_by, plan.request_id, plan.created_at}));
}

Result<PlanRecord> find_plan(Session& session, const std::string& hash) {
  const auto row =
      first_row(session.query("SELECT hash, plan, request, created_by, request_id, created_at "
                              "FROM plans WHERE hash = ?",
                              {hash}),
                "unknown_plan", "there is no plan " + hash);
  if (!row) return row.error();
  return PlanRecord{row->text(0), row->text(1), row->text(2),
                    row->text(3), row->text(4), row->integer(5)};
}

Status forget_plans(Session& session, Millis before) {
  return status_of(
      session.execute("DELETE FROM plans WHERE created_at < ? "
                      "AND hash NOT IN (SELECT plan_hash FROM sync_jobs) "
                      "AND hash NOT IN (SELECT plan_hash FROM approvals)",
                      {before}));
}

Status add_approval(Session& session, const Approval& approval) {
  return status_of(session.execute(
      "INSERT INTO approvals (id, plan_hash, job_id, approved_by, comment, request_id, "
      "approved_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
      {approval.id, approval.plan_hash, approval.job_id, approval.approved_by, approval.comment,
       approval.request_id, approval.approved_at}));
}

Result<std::vector<Approval>> approvals_of(Session& session, const std::string& job_id) {
  return each_row<Approval>(
      session.query("SELECT id, plan_hash, job_id, approved_by, comment, request_id, approved_at "
                    "FROM approvals WHERE job_id = ? ORDER BY approved_at, id",
                    {job_id}),
      [](const Row& row) {
        return Approval{row.text(0), row.text(1), row.text(2),   row.text(3),
                        row.text(4), row.text(5), row.integer(6)};
      });
}

}  // namespace rolesync::store
