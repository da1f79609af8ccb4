// SPDX-License-Identifier: Apache-2.0
// What people decided about roles: overrides of single fields, roles that exist only here, and
// which node has which role. The effective role is made in server/domain. Called inside
// Store::write or read.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "host/values/timestamp.hpp"
#include "server/store/session.hpp"

namespace rolesync::store {

struct RoleOverride {
  std::string role;
  std::string fields = "{}";  // JSON object: the overridden fields only, in the API's names
  bool custom = false;        // no plugin provides this role; `fields` is all there is
  std::int64_t version = 0;   // counts up with every change; part of the ETag
  Millis updated_at = 0;
  std::string updated_by;
};

Result<RoleOverride> find_role_override(Session& session, const std::string& role);
Result<std::vector<RoleOverride>> list_role_overrides(Session& session);

// Inserts or replaces. `expected_version`: 0 when there must be none yet, nothing to not care;
// otherwise precondition/version_mismatch when somebody else was faster. Returns the new version.
Result<std::int64_t> save_role_override(Session& session, const RoleOverride& override_,
                                        std::optional<std::int64_t> expected_version);
Status delete_role_override(Session& session, const std::string& role,
                            std::optional<std::int64_t> expected_version);

struct Assignment {
  std::string node, role;
  Millis assigned_at = 0;
  std::string assigned_by;
};

Result<std::vector<Assignment>> list_assignments(Session& session);
Result<std::vector<Assignment>> assignments_of(Session& session, const std::string& node);
Result<std::vector<std::string>> nodes_with_role(Session& session, const std::string& role);

// Replaces the roles of a node and returns the new assignment_version. `expected_version` as above,
// compared with Node::assignment_version.
Result<std::int64_t> assign_roles(Session& session, const std::string& node,
                                  const std::set<std::string>& roles, const std::string& by,
                                  Millis at, std::optional<std::int64_t> expected_version);

}  // namespace rolesync::store
