// SPDX-License-Identifier: Apache-2.0
// Who is asking: API tokens ("rs_<hex>"), node credentials ("rsn_<hex>") and sessions of browsers,
// of which the database holds only hashes. Any thread.
#pragma once
#include <functional>
#include <string>

#include "host/values/timestamp.hpp"
#include "server/http/router.hpp"
#include "server/store/store.hpp"

namespace rolesync::api {

std::string new_api_token();
std::string new_node_credential();

// A new credential of a node was used for the first time; the one before has ended.
using CredentialUsed =
    std::function<void(const std::string& node, Millis at, const http::Request& request)>;

// For http::Router. Neither an Authorization header nor a session's cookie is an anonymous
// principal; wrong ones are unauthenticated/invalid_token and session_ended, of a node also
// credential_replaced, node_revoked, node_deleted; and a session's change without its header is
// denied/csrf_token_missing.
http::Router::Authenticator authenticator(store::Store& store, CredentialUsed used);

}  // namespace rolesync::api
