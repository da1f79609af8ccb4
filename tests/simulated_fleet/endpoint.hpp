// SPDX-License-Identifier: Apache-2.0
// Where the servers are, and how to be sure of them. One per fleet; one thread.
#pragma once
#include <netinet/in.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "host/values/result.hpp"

namespace rolesync::simulated {

struct Endpoint {
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  std::string host;  // an IPv4 address
  std::vector<sockaddr_in> addresses;
  std::unique_ptr<SSL_CTX, Free> tls;  // null: plain

  // All of one host, and all with TLS or all without.
  static Result<Endpoint> parse(const std::vector<std::string>& urls, const std::string& ca_file);
};

}  // namespace rolesync::simulated
