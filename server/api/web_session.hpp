// SPDX-License-Identifier: Apache-2.0
// The browser's side of a login: a cookie that scripts cannot read, and a value derived from it
// that a page of ours sends back in a header with every change, which a page of others cannot.
// Pure; any thread.
#pragma once
#include <string>

#include "server/http/router.hpp"

namespace rolesync::api {

// The session's secret, "" when the request brings none.
std::string session_secret(const http::Request& request);
std::string csrf_token(const std::string& secret);
// GET and HEAD change nothing and need none. denied/csrf_token_missing.
Status check_csrf(const http::Request& request, const std::string& secret);
// The Set-Cookie header; an empty secret deletes the cookie.
std::string session_cookie(const std::string& secret, bool tls);

}  // namespace rolesync::api
