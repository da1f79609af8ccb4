// SPDX-License-Identifier: Apache-2.0
// Who has to agree before a job runs: policies by role and by the labels of nodes, each with a
// number of approvals and, perhaps, the only people who may give them. Who asked for the job never
// counts. Pure.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace rolesync::domain {

struct ApprovalPolicy {
  std::string name;
  std::set<std::string> roles;                // empty: all
  std::map<std::string, std::string> labels;  // of the node; empty: all
  int approvals = 1;
  std::set<std::string> approvers;  // names of tokens; empty: everybody with the scope
};

bool concerns(const ApprovalPolicy& policy, const std::string& role,
              const std::map<std::string, std::string>& labels);

// How many approvals of a policy are still missing; 0: it is content.
int missing(const ApprovalPolicy& policy, const std::string& requester,
            const std::set<std::string>& given);

// Whether an approval of this person would count for any of them.
bool counts(const std::vector<ApprovalPolicy>& policies, const std::string& requester,
            const std::string& person);

}  // namespace rolesync::domain
