// SPDX-License-Identifier: Apache-2.0
#include "server/store/node_credentials.hpp"

namespace rolesync::store {
namespace {

constexpr const char* columns =
    "SELECT hash, node, state, reason, created_at, ended_at FROM node_credentials ";

NodeCredential credential_of(const Row& row) {
  return {row.text(0), row.text(1),    row.text(2),
          row.text(3), row.integer(4), row.optional_integer(5)};
}

// What stands in nodes.credential_hash when no credential is good; never a hash.
std::string no_credential(const std::string& node) {
  return "none:" + node;
}

Status end_pending(Session& session, const std::string& node, const std::string& reason,
                   Millis at) {
  return status_of(
      session.execute("UPDATE node_credentials SET state = 'ended', reason = ?, ended_at = ? "
                      "WHERE node = ? AND state = 'pending'",
                      {reason, at, node}));
}

// The one in use; the caller puts another in its place.
Status end_current(Session& session, const std::string& node, const std::string& reason,
                   Millis at) {
  return status_of(session.execute(
      "INSERT INTO node_credentials (hash, node, state, reason, created_at, ended_at) "
      "SELECT credential_hash, id, 'ended', ?, credential_at, ? FROM nodes "
      "WHERE id = ? AND credential_hash <> ?",
      {reason, at, node, no_credential(node)}));
}

}  // namespace

Result<std::optional<NodeCredential>> find_credential(Session& session, const std::string& hash) {
  const auto rows = session.query(std::string(columns) + "WHERE hash = ?", {hash});
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<NodeCredential>();
  return std::optional<NodeCredential>(credential_of(rows->front()));
}

Result<std::vector<NodeCredential>> pending_credentials(Session& session) {
  return each_row<NodeCredential>(
      session.query(std::string(columns) + "WHERE state = 'pending' ORDER BY node"), credential_of);
}

Status add_pending_credential(Session& session, const std::string& node, const std::string& hash,
                              Millis at) {
  const auto known = find_credential(session, hash);
  if (!known) return known.error();
  if (*known) {
    if ((*known)->state == "pending" && (*known)->node == node) return {};
    return Error{ErrorKind::conflict, "credential_ended",
                 "this credential has been used before and has ended", "make another one"};
  }
  if (Status ended = end_pending(session, node, "credential_replaced", at); !ended) return ended;
  const auto added = session.execute(
      "INSERT INTO node_credentials (hash, node, state, created_at) VALUES (?, ?, 'pending', ?)",
      {hash, node, at});
  return added ? session.tell("node", node) : Status{added.error()};
}

Result<bool> use_pending_credential(Session& session, const std::string& node,
                                    const std::string& hash, Millis at) {
  const auto taken = session.execute(
      "DELETE FROM node_credentials WHERE hash = ? AND node = ? AND state = 'pending'",
      {hash, node});
  if (!taken) return taken.error();
  if (*taken == 0) return false;
  if (Status ended = end_current(session, node, "credential_replaced", at); !ended) {
    return ended.error();
  }
  const auto used = session.execute(
      "UPDATE nodes SET credential_hash = ?, credential_at = ?, rotation_requested_at = NULL "
      "WHERE id = ?",
      {hash, at, node});
  if (!used) return used.error();
  if (Status told = session.tell("node", node); !told) return told.error();
  return true;
}

Status end_credentials(Session& session, const std::string& node, const std::string& reason,
                       Millis at) {
  if (Status ended = end_pending(session, node, reason, at); !ended) return ended;
  if (Status ended = end_current(session, node, reason, at); !ended) return ended;
  return status_of(session.execute("UPDATE nodes SET credential_hash = ? WHERE id = ?",
                                   {no_credential(node), node}));
}

}  // namespace rolesync::store
