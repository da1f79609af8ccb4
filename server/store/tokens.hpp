// SPDX-License-Identifier: Apache-2.0
// Who may call: API tokens with scopes, and one-time tokens by which a node joins. Only sha256
// hashes are stored. Called inside Store::write or read.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "host/values/timestamp.hpp"
#include "server/store/page.hpp"

namespace rolesync::store {

struct Token {
  std::string id, name;
  std::string hash;  // sha256 hex of the secret
  std::set<std::string> scopes;
  std::set<std::string> roles, nodes;  // what it may act on; empty: all
  std::string created_by, revoked_by;
  Millis created_at = 0;
  std::optional<Millis> expires_at, revoked_at, last_used_at;
};

Status add_token(Session& session, const Token& token);  // conflict/constraint: hash or id taken
// unauthenticated/invalid_token when unknown, revoked or expired at `now`.
Result<Token> find_token_by_hash(Session& session, const std::string& hash, Millis now);
// Also one that has ended: its bearer may know why. not_found/unknown_token.
Result<Token> find_token_in_any_state(Session& session, const std::string& hash);
Result<Token> find_token(Session& session, const std::string& id);  // unknown_token
// Sorted by created_at or name.
const ListColumns& token_list();
Result<Listed<Token>> list_tokens(Session& session, const Page& page);
// The first time counts. unknown_token.
Status revoke_token(Session& session, const std::string& id, const std::string& by, Millis at);
Status note_token_use(Session& session, const std::string& id, Millis at);

struct JoinToken {
  std::string id;
  std::string hash;     // sha256 hex of the secret part
  std::string node_id;  // the only id it is good for
  bool rejoin = false;  // for a node that exists already
  std::string created_by;
  Millis created_at = 0, expires_at = 0;
  std::optional<Millis> used_at, revoked_at;
};

Status add_join_token(Session& session, const JoinToken& token);
// Uses it up; the value says whether it is good for a node that exists.
// unauthenticated/invalid_join_token when unknown, used, revoked, expired, or for another node (one
// answer for all, so that nothing can be probed).
Result<bool> use_join_token(Session& session, const std::string& hash, const std::string& node_id,
                            Millis now);
// Sorted by created_at or node_id.
const ListColumns& join_token_list();
Result<Listed<JoinToken>> list_join_tokens(Session& session, const Page& page);
// As it is then. not_found/unknown_join_token, conflict/join_token_used.
Result<JoinToken> revoke_join_token(Session& session, const std::string& id, Millis at);

}  // namespace rolesync::store
