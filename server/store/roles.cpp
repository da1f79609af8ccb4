// SPDX-License-Identifier: Apache-2.0
#include "server/store/roles.hpp"

#include "server/store/version_check.hpp"

namespace rolesync::store {
namespace {

constexpr const char* override_columns =
    "SELECT role, fields, custom, version, updated_at, updated_by FROM role_overrides ";

RoleOverride override_of(const Row& row) {
  return {row.text(0), row.text(1), row.boolean(2), row.integer(3), row.integer(4), row.text(5)};
}

constexpr const char* assignment_columns =
    "SELECT node, role, assigned_at, assigned_by FROM node_roles ";

Assignment assignment_of(const Row& row) {
  return {row.text(0), row.text(1), row.integer(2), row.text(3)};
}

// 0 when there is none.
Result<std::int64_t> version_of(Session& session, const std::string& role) {
  const auto rows = session.query("SELECT version FROM role_overrides WHERE role = ?", {role});
  if (!rows) return rows.error();
  return rows->empty() ? 0 : rows->front().integer(0);
}

}  // namespace

Result<RoleOverride> find_role_override(Session& session, const std::string& role) {
  const auto row =
      first_row(session.query(std::string(override_columns) + "WHERE role = ?", {role}),
                "unknown_role", "nothing is overridden for a role \"" + role + "\"");
  if (!row) return row.error();
  return override_of(*row);
}

Result<std::vector<RoleOverride>> list_role_overrides(Session& session) {
  return each_row<RoleOverride>(session.query(std::string(override_columns) + "ORDER BY role"),
                                override_of);
}

Result<std::int64_t> save_role_override(Session& session, const RoleOverride& override_,
                                        std::optional<std::int64_t> expected_version) {
  const auto found = version_of(session, override_.role);
  if (!found) return found.error();
  const Status same = check_version(expected_version, *found, "role " + override_.role);
  if (!same) return same.error();
  const auto saved = session.execute(
      "INSERT INTO role_overrides (role, fields, custom, version, updated_at, updated_by) "
      "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (role) DO UPDATE SET fields = excluded.fields, "
      "custom = excluded.custom, version = excluded.version, updated_at = excluded.updated_at, "
      "updated_by = excluded.updated_by",
      {override_.role, override_.fields, override_.custom, *found + 1, override_.updated_at,
       override_.updated_by});
  if (!saved) return saved.error();
  if (Status told = session.tell("roles", override_.role); !told) return told.error();
  return *found + 1;
}

Status delete_role_override(Session& session, const std::string& role,
                            std::optional<std::int64_t> expected_version) {
  const auto found = version_of(session, role);
  if (!found) return found.error();
  if (Status same = check_version(expected_version, *found, "role " + role); !same) {
    return same;
  }
  Status gone = changed_row(session.execute("DELETE FROM role_overrides WHERE role = ?", {role}),
                            "unknown_role", "nothing is overridden for a role \"" + role + "\"");
  return gone ? session.tell("roles", role) : gone;
}

Result<std::vector<Assignment>> list_assignments(Session& session) {
  return each_row<Assignment>(
      session.query(std::string(assignment_columns) + "ORDER BY node, role"), assignment_of);
}

Result<std::vector<Assignment>> assignments_of(Session& session, const std::string& node) {
  return each_row<Assignment>(
      session.query(std::string(assignment_columns) + "WHERE node = ? ORDER BY role", {node}),
      assignment_of);
}

Result<std::vector<std::string>> nodes_with_role(Session& session, const std::string& role) {
  return each_row<std::string>(
      session.query("SELECT node FROM node_roles WHERE role = ? ORDER BY node", {role}),
      [](const Row& row) { return row.text(0); });
}

Result<std::int64_t> assign_roles(Session& session, const std::string& node,
                                  const std::set<std::string>& roles, const std::string& by,
                                  Millis at, std::optional<std::int64_t> expected_version) {
  const auto row =
      first_row(session.query("SELECT assignment_version FROM nodes WHERE id = ?", {node}),
                "unknown_node", "there is no node \"" + node + "\"");
  if (!row) return row.error();
  const std::int64_t found = row->integer(0);
  const Status same = check_version(expected_version, found, "the roles of node " + node);
  if (!same) return same.error();

  const auto before = assignments_of(session, node);
  if (!before) return before.error();
  std::set<std::string> kept;
  for (const Assignment& assignment : *before) {
    if (roles.contains(assignment.role)) {
      kept.insert(assignment.role);
      continue;
    }
    const auto removed = session.execute("DELETE FROM node_roles WHERE node = ? AND role = ?",
                                         {node, assignment.role});
    if (!removed) return removed.error();
  }
  for (const std::string& role : roles) {
    if (kept.contains(role)) continue;
    const auto added = session.execute(
        "INSERT INTO node_roles (node, role, assigned_at, assigned_by) VALUES (?, ?, ?, ?)",
        {node, role, at, by});
    if (!added) return added.error();
  }
  const auto counted =
      session.execute("UPDATE nodes SET assignment_version = ? WHERE id = ?", {found + 1, node});
  if (!counted) return counted.error();
  if (Status told = session.tell("node", node); !told) return told.error();
  return found + 1;
}

}  // namespace rolesync::store
