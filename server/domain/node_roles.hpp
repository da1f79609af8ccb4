// SPDX-License-Identifier: Apache-2.0
// Which roles count on a node, and whether they can live there together. Pure; any thread.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "host/role/role.hpp"
#include "server/domain/report.hpp"

namespace rolesync::domain {

struct Assigned {
  bool by_hand = false;  // somebody has decided; until then what was detected counts
  std::set<std::string> roles;
};

struct NodeRole {
  std::string role;
  std::string source;  // "assigned" or "detected"
  bool operator==(const NodeRole&) const = default;
};

// Roles the agent found at work: active, or with a release of ours on the disk.
std::set<std::string> detected_roles(const std::map<std::string, RoleReport>& reports);

// Assigned overrides detected: once roles were assigned by hand, exactly those count. Roles that
// are not defined any more are left out. By name.
std::vector<NodeRole> effective_roles(const Assigned& assigned,
                                      const std::map<std::string, RoleReport>& reports,
                                      const std::map<std::string, Role>& defined);

// conflict/ownership_overlap naming both roles and the path, when two of them would own one place.
Status check_overlap(const std::string& node, const std::set<std::string>& roles,
                     const std::map<std::string, Role>& defined);

}  // namespace rolesync::domain
