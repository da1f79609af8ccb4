// SPDX-License-Identifier: Apache-2.0
#include "server/store/web_sessions.hpp"

#include <algorithm>

namespace rolesync::store {

Status add_web_session(Session& session, const WebSession& web) {
  const auto swept =
      session.execute("DELETE FROM web_sessions WHERE expires_at <= ?", {web.created_at});
  if (!swept) return swept.error();
  return status_of(session.execute(
      "INSERT INTO web_sessions (hash, token_id, created_at, expires_at) VALUES (?, ?, ?, ?)",
      {web.hash, web.token_id, web.created_at, web.expires_at}));
}

Result<Token> find_token_by_web_session(Session& session, const std::string& hash, Millis now) {
  const auto rows = session.query(
      "SELECT t.hash, w.expires_at FROM web_sessions w JOIN tokens t ON t.id = w.token_id "
      "WHERE w.hash = ? AND w.expires_at > ?",
      {hash, now});
  if (!rows) return rows.error();
  if (!rows->empty()) {
    auto token = find_token_by_hash(session, rows->front().text(0), now);
    if (!token && token.error().kind != ErrorKind::unauthenticated) return token.error();
    if (token) {
      const Millis end = rows->front().integer(1);
      token->expires_at = std::min(token->expires_at.value_or(end), end);
      return token;
    }
  }
  return Error{ErrorKind::unauthenticated, "session_ended",
               "this browser's session has ended: it is over, or its token was revoked or expired",
               "log in again with a token"};
}

Status remove_web_session(Session& session, const std::string& hash) {
  return status_of(session.execute("DELETE FROM web_sessions WHERE hash = ?", {hash}));
}

}  // namespace rolesync::store
