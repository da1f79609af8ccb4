// SPDX-License-Identifier: Apache-2.0
// Sessions of browsers: who has the session's secret counts as the token it was made with, until
// it ends, is logged out, or the token is revoked or expires. Only sha256 hashes are stored.
// Called inside Store::write or read.
#pragma once
#include <string>

#include "server/store/tokens.hpp"

namespace rolesync::store {

struct WebSession {
  std::string hash;  // sha256 hex of the secret
  std::string token_id;
  Millis created_at = 0, expires_at = 0;
};

// Forgets sessions that have ended on the way.
Status add_web_session(Session& session, const WebSession& web);
// The session's token; its expires_at is the session's or the token's, whichever is earlier.
// unauthenticated/session_ended when there is no such session or it is over.
Result<Token> find_token_by_web_session(Session& session, const std::string& hash, Millis now);
Status remove_web_session(Session& session, const std::string& hash);

}  // namespace rolesync::store
