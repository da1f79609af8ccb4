// SPDX-License-Identifier: Apache-2.0
// What an operator decides about plugins in the config of server or agent. Plain values.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "host/values/result.hpp"

namespace rolesync::plugin {

// What a child may use; more of it is a fault, and the child is ended.
struct ChildLimits {
  std::uint64_t memory_bytes = 256 << 20;  // resident, looked at every 100 ms of a call
  std::size_t output_bytes = 1 << 20;      // printed and logged during one call
};

struct Policy {
  // The contents that may be loaded, as sha256 in hex. Not given: any; empty: none.
  std::optional<std::set<std::string>> allowed_sha256;
  // By file name without .so: true runs it in a child of its own, false inside this process,
  // whatever its directory says.
  std::map<std::string, bool> isolated;
  ChildLimits child;
};

// For readers of configs. The errors' messages name the value, not the key.
Result<std::set<std::string>> read_allowed_sha256(const std::vector<std::string>& list);
Result<bool> read_mode(const std::string& name, const std::string& mode);  // true: isolated

}  // namespace rolesync::plugin
