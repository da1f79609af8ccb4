// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/approvals.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "server/store/approval_policies.hpp"

namespace rolesync::rollout {
namespace {

using domain::ApprovalPolicy;

Json policy_json(const ApprovalPolicy& policy) {
  return {
      {"policy", policy.name}, {"approvals", policy.approvals}, {"approvers", policy.approvers}};
}

ApprovalPolicy policy_of(const store::ApprovalPolicyRecord& record) {
  return {record.name,
          {record.roles.begin(), record.roles.end()},
          record.labels,
          record.approvals,
          {record.approvers.begin(), record.approvers.end()}};
}

}  // namespace

Json to_json(const Approvals& approvals) {
  Json required = Json::array();
  for (const ApprovalPolicy& policy : approvals.policies) required.push_back(policy_json(policy));
  Json json = {{"required", std::move(required)}, {"roles", approvals.roles},
               {"nodes", approvals.nodes},        {"on_freeze", approvals.on_freeze},
               {"on_held", approvals.on_held},    {"override_freeze", approvals.override_freeze}};
  if (approvals.only_roles) json["only_roles"] = *approvals.only_roles;
  return json;
}

Approvals approvals_from_text(const std::string& progress) {
  Approvals approvals;
  const auto json = parse_json(progress);
  if (!json || !json->is_object() || !json->contains("required")) return approvals;
  for (const Json& each : (*json)["required"]) {
    ApprovalPolicy policy;
    policy.name = each.value("policy", "");
    policy.approvals = each.value("approvals", 1);
    policy.approvers = each.value("approvers", std::set<std::string>());
    approvals.policies.push_back(std::move(policy));
  }
  approvals.roles = json->value("roles", std::vector<std::string>());
  approvals.nodes = json->value("nodes", std::vector<std::string>());
  approvals.on_freeze = json->value("on_freeze", approvals.on_freeze);
  approvals.on_held = json->value("on_held", approvals.on_held);
  approvals.override_freeze = json->value("override_freeze", "");
  if (json->contains("only_roles")) {
    approvals.only_roles = (*json)["only_roles"].get<std::set<std::string>>();
  }
  return approvals;
}

JobOrder Approvals::order(const store::SyncJob& job) const {
  JobOrder order;
  order.plan_hash = job.plan_hash;
  order.only_roles = only_roles;
  order.requested_by = job.requested_by;
  order.request_id = job.request_id;
  order.options.on_freeze = on_freeze;
  order.options.on_held = on_held;
  order.options.override_freeze = override_freeze;
  if (const auto options = parse_json(job.options); options && options->is_object()) {
    order.options.on_stale = options->value("on_stale", order.options.on_stale);
    order.options.on_failure = options->value("on_failure", order.options.on_failure);
    order.options.rollout = rollout_options_from_json(options->value("rollout", Json::object()));
  }
  return order;
}

Result<Approvals> approvals_for(store::Store& store, const NodeRegistry& nodes,
                                const JobOrder& order, const std::vector<store::SyncTask>& tasks) {
  const auto records = store.read(store::all_approval_policies);
  if (!records) return records.error();
  Approvals wanted;
  std::set<std::string> about_roles, about_nodes;
  for (const store::SyncTask& task : tasks) {
    if (task.state == "skipped") continue;
    about_roles.insert(task.role);
    about_nodes.insert(task.node);
  }
  for (const store::ApprovalPolicyRecord& record : *records) {
    const ApprovalPolicy policy = policy_of(record);
    const bool any = std::any_of(tasks.begin(), tasks.end(), [&](const store::SyncTask& task) {
      const NodePointer node = nodes.find(task.node);
      return task.state != "skipped" && node && domain::concerns(policy, task.role, node->labels);
    });
    if (any) wanted.policies.push_back(policy);
  }
  if (wanted.policies.empty() && order.ask) {
    ApprovalPolicy somebody;
    somebody.name = "schedule";
    wanted.policies.push_back(std::move(somebody));
  }
  wanted.roles = {about_roles.begin(), about_roles.end()};
  wanted.nodes = {about_nodes.begin(), about_nodes.end()};
  wanted.only_roles = order.only_roles;
  wanted.on_freeze = order.options.on_freeze;
  wanted.on_held = order.options.on_held;
  wanted.override_freeze = order.options.override_freeze;
  return wanted;
}

Result<store::SyncJob> waiting_job(store::Session& session, const std::string& job_id) {
  auto job = store::find_job(session, job_id);
  if (!job || job->state == "awaiting_approval") return job;
  return Error{ErrorKind::conflict, "job_not_waiting",
               "job " + job_id + " does not wait for approval: it is " + job->state,
               "see GET /api/sync-jobs?state=awaiting_approval for those that do"};
}

Status check_approver(const store::SyncJob& job, const Approvals& wanted, const std::string& who) {
  if (who == job.requested_by) {
    return Error{ErrorKind::denied, "approval_by_requester",
                 "whoever asked for a job cannot approve it", "somebody else has to"};
  }
  if (domain::counts(wanted.policies, job.requested_by, who)) return {};
  return Error{ErrorKind::denied, "not_an_approver",
               "the policies of this job name others as approvers",
               "GET /api/sync-jobs/" + job.id + " names them"};
}

}  // namespace rolesync::rollout
