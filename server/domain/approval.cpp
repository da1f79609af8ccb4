// SPDX-License-Identifier: Apache-2.0
#include "server/domain/approval.hpp"

#include <algorithm>

namespace rolesync::domain {
namespace {

bool may_approve(const ApprovalPolicy& policy, const std::string& requester,
                 const std::string& person) {
  return person != requester && (policy.approvers.empty() || policy.approvers.contains(person));
}

}  // namespace

bool concerns(const ApprovalPolicy& policy, const std::string& role,
              const std::map<std::string, std::string>& labels) {
  if (!policy.roles.empty() && !policy.roles.contains(role)) return false;
  return std::all_of(policy.labels.begin(), policy.labels.end(), [&](const auto& label) {
    const auto found = labels.find(label.first);
    return found != labels.end() && found->second == label.second;
  });
}

int missing(const ApprovalPolicy& policy, const std::string& requester,
            const std::set<std::string>& given) {
  const auto good = std::count_if(given.begin(), given.end(), [&](const std::string& person) {
    return may_approve(policy, requester, person);
  });
  return std::max(0, policy.approvals - static_cast<int>(good));
}

bool counts(const std::vector<ApprovalPolicy>& policies, const std::string& requester,
            const std::string& person) {
  return std::any_of(policies.begin(), policies.end(), [&](const ApprovalPolicy& policy) {
    return may_approve(policy, requester, person);
  });
}

}  // namespace rolesync::domain
