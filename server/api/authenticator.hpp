// SPDX-License-Identifier: Apache-2.0
// Who is asking: API tokens ("rs_<hex>") and node credentials ("rsn_<hex>"), of which the database
// holds only hashes. Any thread.
#pragma once
#include <string>

#include "server/http/router.hpp"
#include "server/store/store.hpp"

namespace rolesync::api {

std::string new_api_token();
std::string new_node_credential();

// For http::Router. No Authorization header is an anonymous principal; a wrong one is
// unauthenticated/invalid_token.
http::Router::Authenticator authenticator(store::Store& store);

}  // namespace rolesync::api
