// SPDX-License-Identifier: Apache-2.0
#include "server/store/tokens.hpp"

namespace rolesync::store {
namespace {

constexpr const char* token_columns =
    "SELECT id, name, hash, scopes, created_by, created_at, expires_at, revoked_at FROM tokens ";

Token token_of(const Row& row) {
  Token token;
  token.id = row.text(0);
  token.name = row.text(1);
  token.hash = row.text(2);
  for (std::string& scope : words_from_json(row.text(3))) token.scopes.insert(std::move(scope));
  token.created_by = row.text(4);
  token.created_at = row.integer(5);
  token.expires_at = row.optional_integer(6);
  token.revoked_at = row.optional_integer(7);
  return token;
}

}  // namespace

Status add_token(Session& session, const Token& token) {
  return status_of(session.execute(
      "INSERT INTO tokens (id, name, hash, scopes, created_by, created_at, expires_at) "
      "VALUES (?, ?, ?, ?, ?, ?, ?)",
      {token.id, token.name, token.hash,
       words_to_json(std::vector<std::string>(token.scopes.begin(), token.scopes.end())),
       token.created_by, token.created_at, token.expires_at}));
}

Result<Token> find_token_by_hash(Session& session, const std::string& hash, Millis now) {
  const auto rows = session.query(
      std::string(token_columns) +
          "WHERE hash = ? AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)",
      {hash, now});
  if (!rows) return rows.error();
  if (rows->empty()) {
    return Error{ErrorKind::unauthenticated, "invalid_token",
                 "the token is unknown, expired or revoked",
                 "create one with `rolesync token create`"};
  }
  return token_of(rows->front());
}

Result<std::vector<Token>> list_tokens(Session& session) {
  return each_row<Token>(session.query(std::string(token_columns) + "ORDER BY created_at, id"),
                         token_of);
}

Status revoke_token(Session& session, const std::string& id, Millis at) {
  return changed_row(
      session.execute("UPDATE tokens SET revoked_at = COALESCE(revoked_at, ?) WHERE id = ?",
                      {at, id}),
      "unknown_token", "there is no token \"" + id + "\"");
}

Status add_join_token(Session& session, const JoinToken& token) {
  return status_of(session.execute(
      "INSERT INTO join_tokens (id, hash, node_id, created_by, created_at, expires_at, rejoin) "
      "VALUES (?, ?, ?, ?, ?, ?, ?)",
      {token.id, token.hash, token.node_id, token.created_by, token.created_at, token.expires_at,
       token.rejoin}));
}

Result<bool> use_join_token(Session& session, const std::string& hash, const std::string& node_id,
                            Millis now) {
  const auto used = session.query(
      "UPDATE join_tokens SET used_at = ? "
      "WHERE hash = ? AND node_id = ? AND used_at IS NULL AND expires_at > ? RETURNING rejoin",
      {now, hash, node_id, now});
  if (!used) return used.error();
  if (!used->empty()) return used->front().boolean(0);
  return Error{ErrorKind::unauthenticated, "invalid_join_token",
               "the join token is unknown, used, expired or for another node",
               "create a new one for this node"};
}

Result<std::vector<JoinToken>> list_join_tokens(Session& session) {
  return each_row<JoinToken>(
      session.query("SELECT id, hash, node_id, created_by, created_at, expires_at, used_at, rejoin "
                    "FROM join_tokens ORDER BY created_at, id"),
      [](const Row& row) {
        return JoinToken{row.text(0), row.text(1),    row.text(2),    row.boolean(7),
                         row.text(3), row.integer(4), row.integer(5), row.optional_integer(6)};
      });
}

}  // namespace rolesync::store
