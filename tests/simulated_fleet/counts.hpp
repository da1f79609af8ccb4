// SPDX-License-Identifier: Apache-2.0
// What a simulated fleet has done so far. One thread.
#pragma once
#include <cstdint>

#include "host/values/json.hpp"

namespace rolesync::simulated {

struct Counts {
  std::uint64_t joined = 0, settled = 0, gone = 0;
  std::uint64_t heartbeats = 0, answered = 0, quiet = 0;  // quiet: 204
  std::uint64_t heartbeat_bytes = 0;                      // of their bodies
  std::uint64_t commands = 0, succeeded = 0, failed = 0, rolled_back = 0, cancelled = 0;
  std::uint64_t connections = 0, lost = 0, timeouts = 0, refused = 0, overloaded = 0;

  Json json() const;
};

}  // namespace rolesync::simulated
