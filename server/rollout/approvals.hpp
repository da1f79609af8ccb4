// SPDX-License-Identifier: Apache-2.0
// What a job that waits for approval remembers until it starts: the policies as they were when it
// was asked for, and its order. Kept in the job's progress. Any thread.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "host/values/json.hpp"
#include "server/domain/approval.hpp"
#include "server/rollout/job_desk.hpp"

namespace rolesync::rollout {

struct Approvals {
  std::vector<domain::ApprovalPolicy> policies;  // empty: nobody is asked
  std::vector<std::string> roles, nodes;         // that it is about
  std::optional<std::set<std::string>> only_roles;
  std::string on_freeze = "refuse", on_held = "run", override_freeze;

  // The order that `job` was made from.
  JobOrder order(const store::SyncJob& job) const;
};

Json to_json(const Approvals& approvals);
Approvals approvals_from_text(const std::string& progress);

// Of the policies that concern what would run.
Result<Approvals> approvals_for(store::Store& store, const NodeRegistry& nodes,
                                const JobOrder& order, const std::vector<store::SyncTask>& tasks);

// unknown_job, conflict/job_not_waiting
Result<store::SyncJob> waiting_job(store::Session& session, const std::string& job_id);
// denied/approval_by_requester, denied/not_an_approver
Status check_approver(const store::SyncJob& job, const Approvals& wanted, const std::string& who);

}  // namespace rolesync::rollout
