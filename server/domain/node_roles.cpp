// SPDX-License-Identifier: Apache-2.0
#include "server/domain/node_roles.hpp"

#include "host/role/role_paths.hpp"

namespace rolesync::domain {

std::set<std::string> detected_roles(const std::map<std::string, RoleReport>& reports) {
  std::set<std::string> roles;
  for (const auto& [role, report] : reports) {
    if (report.state == "active" || report.installed()) roles.insert(role);
  }
  return roles;
}

std::vector<NodeRole> effective_roles(const Assigned& assigned,
                                      const std::map<std::string, RoleReport>& reports,
                                      const std::map<std::string, Role>& defined) {
  std::vector<NodeRole> result;
  const char* source = assigned.by_hand ? "assigned" : "detected";
  const auto candidates = assigned.by_hand ? assigned.roles : detected_roles(reports);
  for (const std::string& role : candidates) {
    if (defined.contains(role)) result.push_back({role, source});
  }
  return result;
}

Status check_overlap(const std::string& node, const std::set<std::string>& roles,
                     const std::map<std::string, Role>& defined) {
  for (auto first = roles.begin(); first != roles.end(); ++first) {
    const auto a = defined.find(*first);
    if (a == defined.end()) continue;
    for (auto second = std::next(first); second != roles.end(); ++second) {
      const auto b = defined.find(*second);
      if (b == defined.end()) continue;
      const auto path = ownership_overlap(a->second, b->second);
      if (!path) continue;
      return Error{ErrorKind::conflict, "ownership_overlap",
                   "on node " + node + " the roles " + *first + " and " + *second +
                       " would both own " + *path,
                   "give one of them another target_path or source_paths, or another node"};
    }
  }
  return {};
}

}  // namespace rolesync::domain
