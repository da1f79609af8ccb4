// SPDX-License-Identifier: Apache-2.0
// Who is asking: API tokens ("rs_<hex>"), node credentials ("rsn_<hex>") and sessions of browsers,
// of which the database holds only hashes. Any thread.
#pragma once
#include <string>

#include "server/http/router.hpp"
#include "server/store/store.hpp"

namespace rolesync::api {

std::string new_api_token();
std::string new_node_credential();

// For http::Router. Neither an Authorization header nor a session's cookie is an anonymous
// principal; wrong ones are unauthenticated/invalid_token and session_ended, and a session's change
// without its header denied/csrf_token_missing.
http::Router::Authenticator authenticator(store::Store& store);

}  // namespace rolesync::api
