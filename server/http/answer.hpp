// SPDX-License-Identifier: Apache-2.0
// A Response as the bytes that go out. Pure; any thread.
#pragma once
#include <string>

#include "server/http/router.hpp"

namespace rolesync::http {

// `without_body` is for HEAD: the length is told, the body is not sent.
std::string answer_bytes(const Response& response, const std::string& request_id, bool keep_alive,
                         bool without_body);

// The head of an event stream, which ends with the connection.
std::string event_stream_head(const std::string& request_id);

}  // namespace rolesync::http
