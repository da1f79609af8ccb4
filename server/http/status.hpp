// SPDX-License-Identifier: Apache-2.0
// HTTP status codes: their names, and which one an Error becomes. Pure; any thread.
#pragma once
#include <string>

#include "host/values/result.hpp"
#include "server/http/router.hpp"

namespace rolesync::http {

inline constexpr const char* kProblemType = "application/problem+json";

int status_of(ErrorKind kind);
const char* status_text(int status);

// Writes the request id into a problem+json body; leaves every other body alone.
void add_request_id(Response& response, const std::string& id);

}  // namespace rolesync::http
