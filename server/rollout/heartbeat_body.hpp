// SPDX-License-Identifier: Apache-2.0
// The body of a heartbeat (docs/protocol.md), checked. Pure; any thread.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/values/result.hpp"

namespace rolesync::rollout {

struct Heartbeat {
  std::int64_t sequence = 0;
  std::string boot_id, agent_version, definitions_etag;
  std::string instance;  // of this process of the agent; empty: an agent that does not say
  std::optional<double> cpu_percent, memory_percent, disk_percent;
  std::vector<std::string> acknowledged;
  // JSON texts, or empty.
  std::string task_events;          // a list
  std::string role_report_changes;  // by role; what makes the role report that has the sent hash
  std::map<std::string, std::string> parts;   // role_report, listening_ports, plugins, os_info
  std::map<std::string, std::string> hashes;  // of the parts that were not sent
};

inline constexpr const char* part_names[] = {"role_report", "listening_ports", "plugins",
                                             "os_info"};

// Unknown fields are refused, because a part with a misspelt name would be missed silently.
Result<Heartbeat> parse_heartbeat(std::string_view body);

}  // namespace rolesync::rollout
