// SPDX-License-Identifier: Apache-2.0
// The kernel's list of listening TCP sockets over NETLINK_SOCK_DIAG. Any thread.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "host/values/result.hpp"

namespace rolesync {

struct ListeningSocket {
  std::uint16_t port = 0;
  std::string address;
  std::uint32_t inode = 0;
  bool v6_only = false;  // at "::": IPv4 is not answered
};

Result<std::vector<ListeningSocket>> listening_sockets();

}  // namespace rolesync
