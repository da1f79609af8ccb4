// SPDX-License-Identifier: Apache-2.0
// /api/nodes/{id}/rotate-credential, /credential, /revoke and DELETE: by what a node is known, and
// its end. Any thread.
#pragma once
#include <string>

#include "server/api/api.hpp"

namespace rolesync::api {

// A new credential of this node was used for the first time.
void credential_used(Api& api, const std::string& node, Millis at, const http::Request& request);

}  // namespace rolesync::api
