// SPDX-License-Identifier: Apache-2.0
#include "server/store/approval_policies.hpp"

#include "server/store/version_check.hpp"

namespace rolesync::store {
namespace {

constexpr const char* columns =
    "SELECT name, roles, labels, approvals, approvers, version, updated_by, updated_at "
    "FROM approval_policies ";

ApprovalPolicyRecord policy_of(const Row& row) {
  return {row.text(0),
          words_from_json(row.text(1)),
          labels_from_json(row.text(2)),
          static_cast<int>(row.integer(3)),
          words_from_json(row.text(4)),
          row.integer(5),
          row.text(6),
          row.integer(7)};
}

}  // namespace

Result<ApprovalPolicyRecord> find_approval_policy(Session& session, const std::string& name) {
  const auto row =
      first_row(session.query(std::string(columns) + "WHERE name = ?", {name}),
                "unknown_approval_policy", "there is no approval policy \"" + name + "\"");
  if (!row) return row.error();
  return policy_of(*row);
}

Result<std::vector<ApprovalPolicyRecord>> all_approval_policies(Session& session) {
  return each_row<ApprovalPolicyRecord>(session.query(std::string(columns) + "ORDER BY name"),
                                        policy_of);
}

const ListColumns& approval_policy_list() {
  static const ListColumns list{
      "name", {{"name", "name"}}, {{"role", "roles LIKE ?", FilterColumn::Kind::name_in_list}}};
  return list;
}

Result<Listed<ApprovalPolicyRecord>> list_approval_policies(Session& session, const Page& page) {
  return list_page<ApprovalPolicyRecord>(session, columns, approval_policy_list(), page, policy_of);
}

Status save_approval_policy(Session& session, const ApprovalPolicyRecord& policy,
                            std::int64_t expected_version) {
  const auto rows =
      session.query("SELECT version FROM approval_policies WHERE name = ?", {policy.name});
  if (!rows) return rows.error();
  const std::int64_t found = rows->empty() ? 0 : rows->front().integer(0);
  if (Status same = check_version(expected_version, found, "approval policy " + policy.name);
      !same) {
    return same;
  }
  return status_of(session.execute(
      "INSERT INTO approval_policies (name, roles, labels, approvals, approvers, version, "
      "updated_by, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
      "roles = excluded.roles, labels = excluded.labels, approvals = excluded.approvals, "
      "approvers = excluded.approvers, version = excluded.version, "
      "updated_by = excluded.updated_by, updated_at = excluded.updated_at",
      {policy.name, words_to_json(policy.roles), labels_to_json(policy.labels), policy.approvals,
       words_to_json(policy.approvers), found + 1, policy.updated_by, policy.updated_at}));
}

Status delete_approval_policy(Session& session, const std::string& name) {
  return changed_row(session.execute("DELETE FROM approval_policies WHERE name = ?", {name}),
                     "unknown_approval_policy", "there is no approval policy \"" + name + "\"");
}

}  // namespace rolesync::store
