// SPDX-License-Identifier: Apache-2.0
// Who is asking: API tokens ("rs_<hex>") and node credentials ("rsn_<hex>"), of which the database
// holds only hashes. Any thread.
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

// For http::Router. No Authorization header is an anonymous principal; a wrong one is
// unauthenticated/invalid_token, and of a node also credential_replaced, node_revoked,
// node_deleted.
http::Router::Authenticator authenticator(store::Store& store, CredentialUsed used);

}  // namespace rolesync::api
