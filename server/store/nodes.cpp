// SPDX-License-Identifier: Apache-2.0
#include "server/store/nodes.hpp"

#include "server/store/node_credentials.hpp"

namespace rolesync::store {
namespace {

constexpr const char* node_columns =
    "SELECT id, credential_hash, boot_id, agent_version, os_info, labels, role_report, "
    "listening_ports, plugins, role_versions, draining, created_at, last_seen_at, revoked_at, "
    "assignment_version, revoked_reason, credential_at, rotation_requested_at, "
    "drained_reason, drained_at FROM nodes ";

Node node_of(const Row& row) {
  Node node;
  node.id = row.text(0);
  node.credential_hash = row.text(1);
  node.boot_id = row.text(2);
  node.agent_version = row.text(3);
  node.os_info = row.text(4);
  node.labels = row.text(5);
  node.role_report = row.text(6);
  node.listening_ports = row.text(7);
  node.plugins = row.text(8);
  node.role_versions = row.text(9);
  node.draining = row.boolean(10);
  node.created_at = row.integer(11);
  node.last_seen_at = row.optional_integer(12);
  node.revoked_at = row.optional_integer(13);
  node.assignment_version = row.integer(14);
  node.revoked_reason = row.text(15);
  node.credential_at = row.integer(16);
  node.rotation_requested_at = row.optional_integer(17);
  node.drained_reason = row.text(18);
  node.drained_at = row.optional_integer(19);
  return node;
}

Result<Node> one_node(Result<std::vector<Row>> rows, std::string message) {
  const auto row = first_row(std::move(rows), "unknown_node", std::move(message));
  if (!row) return row.error();
  return node_of(*row);
}

std::string no_node(const std::string& id) {
  return "there is no node \"" + id + "\"";
}

Status change_node(Session& session, const Result<std::size_t>& changed, const std::string& id) {
  if (Status known = changed_row(changed, "unknown_node", no_node(id)); !known) return known;
  return session.tell("node", id);
}

constexpr const char* release_columns =
    "SELECT id, node, role, source, commit_id, content_id, role_revision, role_snapshot, task_id, "
    "current, activated_at, verified_at FROM releases ";

ReleaseRecord release_of(const Row& row) {
  ReleaseRecord release;
  release.id = row.integer(0);
  release.node = row.text(1);
  release.role = row.text(2);
  release.source = row.text(3);
  release.commit = row.text(4);
  release.content_id = row.text(5);
  release.role_revision = row.text(6);
  release.role_snapshot = row.text(7);
  release.task_id = row.text(8);
  release.current = row.boolean(9);
  release.activated_at = row.integer(10);
  release.verified_at = row.optional_integer(11);
  return release;
}

// The current release when it is the same one, renewed; false when it is another or none.
Result<bool> renew_release(Session& session, const ReleaseRecord& release) {
  const auto renewed = session.execute(
      "UPDATE releases SET verified_at = COALESCE(?, verified_at), "
      "task_id = CASE WHEN task_id = '' THEN ? ELSE task_id END, "
      "role_snapshot = CASE WHEN role_snapshot = '{}' THEN ? ELSE role_snapshot END "
      "WHERE node = ? AND role = ? AND current = 1 AND source = ? AND commit_id = ? "
      "AND content_id = ? AND role_revision = ?",
      {release.verified_at, release.task_id, release.role_snapshot, release.node, release.role,
       release.source, release.commit, release.content_id, release.role_revision});
  if (!renewed) return renewed.error();
  return *renewed > 0;
}

}  // namespace

Status add_node(Session& session, const Node& node) {
  const auto added = session.execute(
      "INSERT INTO nodes (id, credential_hash, boot_id, agent_version, os_info, labels, "
      "role_report, listening_ports, plugins, role_versions, draining, created_at, last_seen_at, "
      "credential_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO "
      "NOTHING",
      {node.id, node.credential_hash, node.boot_id, node.agent_version, node.os_info, node.labels,
       node.role_report, node.listening_ports, node.plugins, node.role_versions, node.draining,
       node.created_at, node.last_seen_at, node.credential_at});
  if (!added) return added.error();
  if (*added == 0) {
    return Error{
        ErrorKind::conflict, "node_exists", "a node \"" + node.id + "\" exists already",
        "choose another node id; or make a join token with rejoin, if this machine replaces it"};
  }
  return session.tell("node", node.id);
}

Status rejoin_node(Session& session, const std::string& id) {
  return change_node(session,
                     session.execute("UPDATE nodes SET revoked_at = NULL, revoked_reason = '', "
                                     "rotation_requested_at = NULL WHERE id = ?",
                                     {id}),
                     id);
}

Result<Node> find_node(Session& session, const std::string& id) {
  return one_node(session.query(std::string(node_columns) + "WHERE id = ?", {id}), no_node(id));
}

Result<Node> find_node_by_credential(Session& session, const std::string& credential_hash) {
  return one_node(
      session.query(std::string(node_columns) + "WHERE credential_hash = ?", {credential_hash}),
      "no node has this credential");
}

Result<std::vector<Node>> list_nodes(Session& session) {
  return each_row<Node>(session.query(std::string(node_columns) + "ORDER BY id"), node_of);
}

Status save_report(Session& session, const std::string& id, const ReportChange& change) {
  std::string sets;
  std::vector<Value> values;
  const auto set = [&](const char* column, const auto& value) {
    if (!value) return;
    sets += (sets.empty() ? "" : ", ") + std::string(column) + " = ?";
    values.push_back(*value);
  };
  set("boot_id", change.boot_id);
  set("agent_version", change.agent_version);
  set("os_info", change.os_info);
  set("role_report", change.role_report);
  set("listening_ports", change.listening_ports);
  set("plugins", change.plugins);
  set("role_versions", change.role_versions);
  set("last_seen_at", change.last_seen_at);
  if (sets.empty()) return {};
  values.push_back(id);
  return change_node(session, session.execute("UPDATE nodes SET " + sets + " WHERE id = ?", values),
                     id);
}

Status touch(Session& session, const std::vector<Seen>& nodes) {
  for (const Seen& seen : nodes) {
    const auto done = session.execute(
        "UPDATE nodes SET last_seen_at = ? "
        "WHERE id = ? AND (last_seen_at IS NULL OR last_seen_at < ?)",
        {seen.at, seen.node, seen.at});
    if (!done) return done.error();
  }
  return {};
}

Result<std::vector<Seen>> last_seen_times(Session& session) {
  return each_row<Seen>(
      session.query("SELECT id, last_seen_at FROM nodes WHERE last_seen_at IS NOT NULL"),
      [](const Row& row) {
        return Seen{row.text(0), row.integer(1)};
      });
}

Status set_labels(Session& session, const std::string& id, const std::string& labels_json) {
  return change_node(
      session, session.execute("UPDATE nodes SET labels = ? WHERE id = ?", {labels_json, id}), id);
}

Status drain_node(Session& session, const std::string& id, const std::string& reason, Millis at) {
  return change_node(session,
                     session.execute("UPDATE nodes SET draining = 1, drained_reason = ?, "
                                     "drained_at = COALESCE(drained_at, ?) WHERE id = ?",
                                     {reason, at, id}),
                     id);
}

Status undrain_node(Session& session, const std::string& id) {
  return change_node(session,
                     session.execute("UPDATE nodes SET draining = 0, drained_reason = '', "
                                     "drained_at = NULL WHERE id = ?",
                                     {id}),
                     id);
}

Status set_rotation_requested(Session& session, const std::string& id, Millis at) {
  return change_node(
      session, session.execute("UPDATE nodes SET rotation_requested_at = ? WHERE id = ?", {at, id}),
      id);
}

Status revoke_node(Session& session, const std::string& id, const std::string& reason, Millis at) {
  if (Status ended = end_credentials(session, id, "node_revoked", at); !ended) return ended;
  return change_node(session,
                     session.execute("UPDATE nodes SET revoked_at = COALESCE(revoked_at, ?), "
                                     "revoked_reason = ?, rotation_requested_at = NULL "
                                     "WHERE id = ?",
                                     {at, reason, id}),
                     id);
}

Status delete_node(Session& session, const std::string& id, Millis at) {
  if (Status ended = end_credentials(session, id, "node_deleted", at); !ended) return ended;
  for (const char* table : {"commands", "node_roles", "releases"}) {
    const auto gone =
        session.execute("DELETE FROM " + std::string(table) + " WHERE node = ?", {id});
    if (!gone) return gone.error();
  }
  return change_node(session, session.execute("DELETE FROM nodes WHERE id = ?", {id}), id);
}

Status record_release(Session& session, const ReleaseRecord& release) {
  const Result<bool> renewed = renew_release(session, release);
  if (!renewed) return renewed.error();
  if (*renewed) return {};
  if (Status cleared = clear_current_release(session, release.node, release.role); !cleared) {
    return cleared;
  }
  return status_of(session.execute(
      "INSERT INTO releases (id, node, role, source, commit_id, content_id, role_revision, "
      "role_snapshot, task_id, current, activated_at, verified_at) "
      "VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM releases), ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?)",
      {release.node, release.role, release.source, release.commit, release.content_id,
       release.role_revision, release.role_snapshot, release.task_id, release.activated_at,
       release.verified_at}));
}

Status clear_current_release(Session& session, const std::string& node, const std::string& role) {
  return status_of(session.execute(
      "UPDATE releases SET current = 0 WHERE node = ? AND role = ? AND current = 1", {node, role}));
}

Result<std::vector<ReleaseRecord>> current_releases(Session& session) {
  return each_row<ReleaseRecord>(
      session.query(std::string(release_columns) + "WHERE current = 1 ORDER BY node, role"),
      release_of);
}

Result<std::vector<ReleaseRecord>> releases_of(Session& session, const std::string& node,
                                               const std::string& role, int limit) {
  return each_row<ReleaseRecord>(
      session.query(
          std::string(release_columns) + "WHERE node = ? AND role = ? ORDER BY id DESC LIMIT ?",
          {node, role, limit}),
      release_of);
}

}  // namespace rolesync::store
