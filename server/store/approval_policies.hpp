// SPDX-License-Identifier: Apache-2.0
// Which jobs need the approval of whom. Called inside Store::write or read.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "host/values/timestamp.hpp"
#include "server/store/page.hpp"

namespace rolesync::store {

struct ApprovalPolicyRecord {
  std::string name;
  std::vector<std::string> roles;
  std::map<std::string, std::string> labels;
  int approvals = 1;
  std::vector<std::string> approvers;
  std::int64_t version = 0;
  std::string updated_by;
  Millis updated_at = 0;
};

// not_found/unknown_approval_policy
Result<ApprovalPolicyRecord> find_approval_policy(Session& session, const std::string& name);
Result<std::vector<ApprovalPolicyRecord>> all_approval_policies(Session& session);
// Sorted by name.
const ListColumns& approval_policy_list();
Result<Listed<ApprovalPolicyRecord>> list_approval_policies(Session& session, const Page& page);
// precondition/version_mismatch; 0 stands for "does not exist".
Status save_approval_policy(Session& session, const ApprovalPolicyRecord& policy,
                            std::int64_t expected_version);
Status delete_approval_policy(Session& session, const std::string& name);

}  // namespace rolesync::store
