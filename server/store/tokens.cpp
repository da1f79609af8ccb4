// SPDX-License-Identifier: Apache-2.0
#include "server/store/tokens.hpp"

namespace rolesync::store {
namespace {

constexpr const char* token_columns =
    "SELECT id, name, hash, scopes, created_by, created_at, expires_at, revoked_at, roles, nodes, "
    "last_used_at, revoked_by FROM tokens ";

constexpr const char* join_token_columns =
    "SELECT id, hash, node_id, rejoin, created_by, created_at, expires_at, used_at, revoked_at "
    "FROM join_tokens ";

JoinToken join_token_of(const Row& row) {
  return {row.text(0),
          row.text(1),
          row.text(2),
          row.boolean(3),
          row.text(4),
          row.integer(5),
          row.integer(6),
          row.optional_integer(7),
          row.optional_integer(8)};
}

std::set<std::string> set_of(const std::string& json) {
  const std::vector<std::string> words = words_from_json(json);
  return {words.begin(), words.end()};
}

std::string json_of(const std::set<std::string>& words) {
  return words_to_json({words.begin(), words.end()});
}

Token token_of(const Row& row) {
  Token token;
  token.id = row.text(0);
  token.name = row.text(1);
  token.hash = row.text(2);
  token.scopes = set_of(row.text(3));
  token.created_by = row.text(4);
  token.created_at = row.integer(5);
  token.expires_at = row.optional_integer(6);
  token.revoked_at = row.optional_integer(7);
  token.roles = set_of(row.text(8));
  token.nodes = set_of(row.text(9));
  token.last_used_at = row.optional_integer(10);
  token.revoked_by = row.text(11);
  return token;
}

}  // namespace

Status add_token(Session& session, const Token& token) {
  return status_of(session.execute(
      "INSERT INTO tokens (id, name, hash, scopes, roles, nodes, created_by, created_at, "
      "expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {token.id, token.name, token.hash, json_of(token.scopes), json_of(token.roles),
       json_of(token.nodes), token.created_by, token.created_at, token.expires_at}));
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

Result<Token> find_token_in_any_state(Session& session, const std::string& hash) {
  const auto row = first_row(session.query(std::string(token_columns) + "WHERE hash = ?", {hash}),
                             "unknown_token", "there is no such token");
  if (!row) return row.error();
  return token_of(*row);
}

const ListColumns& token_list() {
  using Kind = FilterColumn::Kind;
  static const ListColumns list{
      "id",
      {{"created_at", "created_at", true}, {"name", "name"}},
      {{"name", "name = ?"},
       {"created_by", "created_by = ?"},
       {"scope", "scopes LIKE ?", Kind::name_in_list},
       {"revoked", "(CASE WHEN revoked_at IS NULL THEN 0 ELSE 1 END) = ?", Kind::flag}}};
  return list;
}

Result<Listed<Token>> list_tokens(Session& session, const Page& page) {
  return list_page<Token>(session, token_columns, token_list(), page, token_of);
}

Result<Token> find_token(Session& session, const std::string& id) {
  const auto row = first_row(session.query(std::string(token_columns) + "WHERE id = ?", {id}),
                             "unknown_token", "there is no token \"" + id + "\"");
  if (!row) return row.error();
  return token_of(*row);
}

Status revoke_token(Session& session, const std::string& id, const std::string& by, Millis at) {
  const auto revoked = session.execute(
      "UPDATE tokens SET revoked_at = ?, revoked_by = ? WHERE id = ? AND revoked_at IS NULL",
      {at, by, id});
  if (!revoked) return revoked.error();
  if (*revoked > 0) return {};
  const auto token = find_token(session, id);
  return token ? Status{} : Status{token.error()};
}

Status note_token_use(Session& session, const std::string& id, Millis at) {
  return status_of(session.execute(
      "UPDATE tokens SET last_used_at = ? WHERE id = ? AND COALESCE(last_used_at, 0) < ?",
      {at, id, at}));
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
      "WHERE hash = ? AND node_id = ? AND used_at IS NULL AND revoked_at IS NULL AND "
      "expires_at > ? RETURNING rejoin",
      {now, hash, node_id, now});
  if (!used) return used.error();
  if (!used->empty()) return used->front().boolean(0);
  return Error{ErrorKind::unauthenticated, "invalid_join_token",
               "the join token is unknown, used, expired or for another node",
               "create a new one for this node"};
}

const ListColumns& join_token_list() {
  using Kind = FilterColumn::Kind;
  static const ListColumns list{
      "id",
      {{"created_at", "created_at", true}, {"node_id", "node_id"}},
      {{"node", "node_id = ?", Kind::name},
       {"created_by", "created_by = ?"},
       {"used", "(CASE WHEN used_at IS NULL THEN 0 ELSE 1 END) = ?", Kind::flag},
       {"revoked", "(CASE WHEN revoked_at IS NULL THEN 0 ELSE 1 END) = ?", Kind::flag}}};
  return list;
}

Result<Listed<JoinToken>> list_join_tokens(Session& session, const Page& page) {
  return list_page<JoinToken>(session, join_token_columns, join_token_list(), page, join_token_of);
}

Result<JoinToken> revoke_join_token(Session& session, const std::string& id, Millis at) {
  const auto row = first_row(session.query(std::string(join_token_columns) + "WHERE id = ?", {id}),
                             "unknown_join_token", "there is no join token \"" + id + "\"");
  if (!row) return row.error();
  JoinToken token = join_token_of(*row);
  if (token.used_at) {
    return Error{ErrorKind::conflict, "join_token_used",
                 "node " + token.node_id + " has joined with it already",
                 "revoke the node instead: rolesync node revoke " + token.node_id};
  }
  if (token.revoked_at) return token;
  token.revoked_at = at;
  const auto revoked =
      session.execute("UPDATE join_tokens SET revoked_at = ? WHERE id = ?", {at, id});
  if (!revoked) return revoked.error();
  return token;
}

}  // namespace rolesync::store
