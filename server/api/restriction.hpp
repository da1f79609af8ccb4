// SPDX-License-Identifier: Apache-2.0
// What a token that is restricted to nodes or roles may change, where the request's body or an
// object says what it is about. Pure; any thread.
#pragma once
#include <string>

#include "server/http/router.hpp"

namespace rolesync::api {

// denied/token_restricted.
Status check_own(const http::Principal& who, const std::string& node, const std::string& role);

}  // namespace rolesync::api
