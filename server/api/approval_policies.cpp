// SPDX-License-Identifier: Apache-2.0
// /api/approval-policies: which jobs wait until others have approved them.
#include <nlohmann/json.hpp>

#include "host/values/names.hpp"
#include "server/api/api.hpp"
#include "server/api/audit.hpp"
#include "server/api/body.hpp"
#include "server/api/list_query.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/approval_policies.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;
using store::ApprovalPolicyRecord;

Json policy_json(const ApprovalPolicyRecord& policy) {
  return {{"name", policy.name},
          {"roles", policy.roles},
          {"labels", policy.labels},
          {"approvals", policy.approvals},
          {"approvers", policy.approvers},
          {"updated_by", policy.updated_by},
          {"updated_at", to_rfc3339(policy.updated_at)}};
}

std::string etag_of(const ApprovalPolicyRecord& policy) {
  return "\"" + std::to_string(policy.version) + "\"";
}

Result<ApprovalPolicyRecord> find(Api& api, const std::string& name) {
  return api.engine.store.read(
      [&](store::Session& session) { return store::find_approval_policy(session, name); });
}

Response answer(Api& api, int status, const std::string& name) {
  const auto policy = find(api, name);
  if (!policy) return refuse(policy.error());
  Response response = json_answer(status, policy_json(*policy));
  response.headers["ETag"] = etag_of(*policy);
  if (status == 201) response.headers["Location"] = "/api/approval-policies/" + name;
  return response;
}

Response list(Api& api, const Request& request) {
  static const ListRules rules = rules_of(store::approval_policy_list(), "name", longest_page);
  const auto page = read_page(request, rules);
  if (!page) return refuse(page.error());
  const auto policies = api.engine.store.read(
      [&](store::Session& session) { return store::list_approval_policies(session, *page); });
  if (!policies) return refuse(policies.error());
  return json_answer(200, list_json("approval_policies", *page, *policies, policy_json));
}

Result<ApprovalPolicyRecord> from_body(const Request& request) {
  const auto body = read_object(request);
  if (!body) return body.error();
  Fields fields(*body);
  ApprovalPolicyRecord policy;
  policy.name = request.parameters.at("name");
  policy.roles = fields.names("roles").value_or(std::vector<std::string>{});
  policy.labels = fields.labels("labels");
  policy.approvals = static_cast<int>(fields.number("approvals", 1, 20).value_or(1));
  policy.approvers = fields.names("approvers").value_or(std::vector<std::string>{});
  if (!policy.approvers.empty() &&
      policy.approvers.size() < static_cast<std::size_t>(policy.approvals)) {
    fields.fault("/approvers", "are fewer than approvals");
  }
  if (!is_name(policy.name)) fields.fault("/name", "is not a valid name");
  if (Status valid = fields.finish(); !valid) return valid.error();
  policy.updated_by = request.principal.name;
  policy.updated_at = rollout::now_millis();
  return policy;
}

Response replace(Api& api, const Request& request) {
  const auto policy = from_body(request);
  if (!policy) return refuse(policy.error());
  const auto before = find(api, policy->name);
  if (Status match = check_match(request, before ? etag_of(*before) : ""); !match) {
    return refuse(match.error());
  }
  const std::int64_t version = before ? before->version : 0;
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    if (Status saved = store::save_approval_policy(session, *policy, version); !saved) return saved;
    return audit(session, request, "approval_policy.set", "approval-policy/" + policy->name,
                 policy_json(*policy));
  });
  return written ? answer(api, version == 0 ? 201 : 200, policy->name) : refuse(written.error());
}

Response remove(Api& api, const Request& request) {
  const auto before = find(api, request.parameters.at("name"));
  if (!before) return refuse(before.error());
  if (Status match = check_match(request, etag_of(*before)); !match) return refuse(match.error());
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    if (Status gone = store::delete_approval_policy(session, before->name); !gone) return gone;
    return audit(session, request, "approval_policy.delete", "approval-policy/" + before->name,
                 Json::object());
  });
  return written ? Response{204, {}, ""} : refuse(written.error());
}

}  // namespace

void add_approval_policy_routes(http::Router& router, Api& api) {
  using http::Policy;
  router.on("GET", "/api/approval-policies", Policy::scope("read"),
            [&api](const Request& request) { return list(api, request); });
  router.on(
      "GET", "/api/approval-policies/{name}", Policy::scope("read"),
      [&api](const Request& request) { return answer(api, 200, request.parameters.at("name")); });
  router.on("PUT", "/api/approval-policies/{name}", Policy::scope("admin"),
            [&api](const Request& request) { return replace(api, request); });
  router.on("DELETE", "/api/approval-policies/{name}", Policy::scope("admin"),
            [&api](const Request& request) { return remove(api, request); });
}

}  // namespace rolesync::api
