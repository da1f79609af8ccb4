// SPDX-License-Identifier: Apache-2.0
// The socket that accepts connections (Poco's ServerSocket, made non-blocking). Any thread may
// accept.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "host/values/result.hpp"

namespace Poco::Net {
class ServerSocket;
}

namespace rolesync::http {

class Listener {
 public:
  // Reasons: invalid_address, address_in_use.
  static Result<std::unique_ptr<Listener>> open(const std::string& address, std::uint16_t port);
  ~Listener();

  struct Accepted {
    int descriptor = -1;     // -1: nobody waits
    bool exhausted = false;  // this process may not open more descriptors now
    std::string peer;
  };
  Accepted accept();

  void end();  // whoever connects from now on is refused

  int descriptor() const;
  std::uint16_t port() const { return port_; }

 private:
  Listener();
  std::unique_ptr<Poco::Net::ServerSocket> socket_;
  std::uint16_t port_ = 0;
};

}  // namespace rolesync::http
