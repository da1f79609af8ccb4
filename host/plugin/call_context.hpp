// SPDX-License-Identifier: Apache-2.0
// One call of a plugin while it runs: its deadline, and the host services it may use.
// Owned by the caller's stack; `service` may be used by any thread of the call.
#pragma once
#include <chrono>
#include <string_view>

#include "host/plugin/registry.hpp"

namespace rolesync::plugin {

struct CallContext {
  using Clock = std::chrono::steady_clock;

  const Provided& provided;
  Clock::time_point deadline;
  HostServices* services = nullptr;
  const CancelFlag* cancelled = nullptr;
  std::chrono::milliseconds cancel_grace{0};
  bool fault = false;  // set when the plugin crashed, hung or broke the protocol

  bool is_cancelled() const { return cancelled && cancelled->load(); }
  // Refuses what was not declared, and everything after the deadline; never throws.
  Result<Json> service(std::string_view name, const Json& request) const;
};

}  // namespace rolesync::plugin
