// SPDX-License-Identifier: Apache-2.0
// The plugins part of a heartbeat. One thread.
#pragma once
#include <string>

#include "host/plugin/registry.hpp"
#include "host/values/timestamp.hpp"

namespace rolesync::agent {

class PluginReport {
 public:
  // Compact JSON. Counters of calls change all the time and are not worth a report of their own:
  // they are renewed with every other change, and every ten minutes.
  const std::string& text(const std::vector<plugin::PluginInfo>& plugins, Millis now);

 private:
  std::string text_, without_calls_;
  Millis made_at_ = 0;
};

}  // namespace rolesync::agent
