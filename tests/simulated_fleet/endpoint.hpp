// SPDX-License-Identifier: Apache-2.0
// Where the server is, and how to be sure of it. One per fleet; one thread.
#pragma once
#include <netinet/in.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "host/values/result.hpp"

namespace rolesync::simulated {

struct Endpoint {
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  std::string host;  // an IPv4 address
  sockaddr_in address{};
  std::unique_ptr<SSL_CTX, Free> tls;  // null: plain

  static Result<Endpoint> parse(const std::string& url, const std::string& ca_file);
};

}  // namespace rolesync::simulated
