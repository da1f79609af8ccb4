// SPDX-License-Identifier: Apache-2.0
// Plans by hash, and who approved them. Called inside Store::write or read.
#pragma once
#include <string>
#include <vector>

#include "host/values/timestamp.hpp"
#include "server/store/session.hpp"

namespace rolesync::store {

struct PlanRecord {
  std::string hash;
  std::string plan = "{}";     // JSON
  std::string request = "{}";  // JSON: what was asked for
  std::string created_by, request_id;
  Millis created_at = 0;
};

Status add_plan(Session& session, const PlanRecord& plan);  // the same hash again: no effect
Result<PlanRecord> find_plan(Session& session, const std::string& hash);  // unknown_plan
// Deletes plans older than `before` that no job refers to.
Status forget_plans(Session& session, Millis before);

struct Approval {
  std::string id, plan_hash, job_id, approved_by, comment, request_id;
  Millis approved_at = 0;
};

Status add_approval(Session& session, const Approval& approval);
Result<std::vector<Approval>> approvals_of(Session& session, const std::string& job_id);

}  // namespace rolesync::store
