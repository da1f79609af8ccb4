// SPDX-License-Identifier: Apache-2.0
// Where a repository path ends up under a role's target, and whether two roles want the same place.
// One source path: its contents go to the target. Several: each keeps its own name under the
// target. "from:to" says it explicitly ("to" relative to the target; "." is the target itself).
// Pure; any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/role/role.hpp"

namespace rolesync {

struct SourceMapping {
  std::string from;  // repository path of a file or directory; "" is the whole repository
  std::string to;    // path under the target; "" is the target itself
  bool operator==(const SourceMapping&) const = default;
};

// The role's source paths in order. The role was checked by role_from_json.
std::vector<SourceMapping> source_mappings(const Role& role);

// The path under the target for a repository file, or nothing when the role does not contain it
// (or excludes it). A source path that names a file keeps its base name when it is the only one.
std::optional<std::string> target_of(const Role& role, std::string_view repository_path);

// The first absolute path that both roles would own on one node, or nothing. Roles that share a
// target are fine as long as no mapping of one contains a mapping of the other.
std::optional<std::string> ownership_overlap(const Role& a, const Role& b);

}  // namespace rolesync
