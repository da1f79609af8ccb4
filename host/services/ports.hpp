// SPDX-License-Identifier: Apache-2.0
// The TCP ports this machine listens on, and whose they are. The kernel is asked by netlink
// (0.1 ms); owners are remembered by socket inode and verified by one readlink each. Any thread.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "host/values/result.hpp"

namespace rolesync {

struct ListeningPort {
  std::uint16_t port = 0;
  std::string address;  // "0.0.0.0", "::", "127.0.0.1"
  std::string process;  // empty: not visible to us
  pid_t pid = 0;        // 0: not visible to us
  bool operator==(const ListeningPort&) const = default;
};

class Ports {
 public:
  virtual ~Ports() = default;
  virtual Result<std::vector<ListeningPort>> scan() = 0;  // sorted by port, then address
};

std::unique_ptr<Ports> kernel_ports();

// Of those, the ones that can be reached at `address` (itself or all addresses); "" is everything.
std::unique_ptr<Ports> ports_at(std::unique_ptr<Ports> all, std::string address);

}  // namespace rolesync
