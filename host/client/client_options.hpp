// SPDX-License-Identifier: Apache-2.0
// An HttpClient for somebody who stays connected: its token may change while it lives, and what it
// takes as an answer is bounded more closely.
#pragma once
#include <functional>

#include "host/client/http_client.hpp"

namespace rolesync {

struct ClientOptions {
  std::function<std::string()> bearer_token;  // asked before each request
  std::size_t max_answer = 256 << 20;         // bytes of a body; more is answer_too_large
};

// Errors as those of HttpClient::create.
Result<std::unique_ptr<HttpClient>> create_client(const ServerAddress& address,
                                                  ClientOptions options);

}  // namespace rolesync
