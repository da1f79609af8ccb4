// SPDX-License-Identifier: Apache-2.0
// Who may call: API tokens with scopes, and one-time tokens by which a node joins. Only sha256
// hashes are stored. Called inside Store::write or read.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "host/values/timestamp.hpp"
#include "server/store/session.hpp"

namespace rolesync::store {

struct Token {
  std::string id, name;
  std::string hash;  // sha256 hex of the secret
  std::set<std::string> scopes;
  std::string created_by;
  Millis created_at = 0;
  std::optional<Millis> expires_at, revoked_at;
};

Status add_token(Session& session, const Token& token);  // conflict/constraint: hash or id taken
// unauthenticated/invalid_token when unknown, revoked or expired at `now`.
Result<Token> find_token_by_hash(Session& session, const std::string& hash, Millis now);
Result<std::vector<Token>> list_tokens(Session& session);
Status revoke_token(Session& session, const std::string& id, Millis at);  // unknown_token

struct JoinToken {
  std::string id;
  std::string hash;     // sha256 hex of the secret part
  std::string node_id;  // the only id it is good for
  bool rejoin = false;  // for a node that exists already
  std::string created_by;
  Millis created_at = 0, expires_at = 0;
  std::optional<Millis> used_at;
};

Status add_join_token(Session& session, const JoinToken& token);
// Uses it up; the value says whether it is good for a node that exists.
// unauthenticated/invalid_join_token when unknown, used, expired, or for another node (one answer
// for all four, so that nothing can be probed).
Result<bool> use_join_token(Session& session, const std::string& hash, const std::string& node_id,
                            Millis now);
Result<std::vector<JoinToken>> list_join_tokens(Session& session);

}  // namespace rolesync::store
