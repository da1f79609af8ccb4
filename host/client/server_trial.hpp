// SPDX-License-Identifier: Apache-2.0
// The way to a server tried step by step, so that somebody can be told where it ends: the name, the
// connection with its certificate, and one request. Any thread; takes no longer than its limit.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "host/client/http_client.hpp"
#include "host/values/timestamp.hpp"

namespace rolesync {

struct ServerTrial {
  bool secure = false;
  Status address;                      // the URL, and what the server is recognised by
  Status name;                         // has addresses
  std::vector<std::string> addresses;  // "192.0.2.1:8770"
  Status reached;                      // a connection was accepted
  Status trusted;                      // and it is the server we know, as far as TLS can tell
  std::optional<Millis> certificate_expires_at;
  Status answered;                    // there was an HTTP answer, whatever it says
  Status accepted;                    // and it was not a refusal
  std::optional<Millis> server_time;  // of the answer's Date, to the second
};

// `path` is asked with the token. The steps are tried in the order of the fields above; the first
// that fails has the Error, and so has `accepted`.
ServerTrial try_server(const ServerAddress& address, const std::string& bearer_token,
                       const std::string& path, std::chrono::milliseconds limit);

}  // namespace rolesync
