// SPDX-License-Identifier: Apache-2.0
// The TCP ports this machine listens on, and whose they are. The kernel is asked by netlink
// (0.1 ms); owners are remembered by socket inode and verified by one readlink each. Any thread.
#pragma once
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "host/values/result.hpp"

namespace rolesync {

struct ListeningPort {
  std::uint16_t port = 0;
  std::string address;   // "0.0.0.0", "::", "127.0.0.1"
  std::string process;   // empty: not visible to us
  pid_t pid = 0;         // 0: not visible to us
  bool v6_only = false;  // at "::": IPv4 is not answered
  bool operator==(const ListeningPort&) const = default;
};

class Ports {
 public:
  virtual ~Ports() = default;
  virtual Result<std::vector<ListeningPort>> scan() = 0;  // sorted by port, then address
  // Those that are left out as out of reach too.
  virtual Result<std::vector<ListeningPort>> scan_all() { return scan(); }
  virtual std::string address() const { return ""; }  // where they can be reached; "" everywhere
};

// `searches` counts how often the owners of new sockets were looked for among all processes.
std::unique_ptr<Ports> kernel_ports(std::atomic<int>* searches = nullptr);

// Whether a client at `address` (of this machine) gets through to it.
bool reachable_at(const ListeningPort& port, const std::string& address);

// Of those, the ones that can be reached at `address` (itself or all addresses); "" is everything.
std::unique_ptr<Ports> ports_at(std::unique_ptr<Ports> all, std::string address);

}  // namespace rolesync
