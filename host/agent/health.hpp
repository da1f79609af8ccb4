// SPDX-License-Identifier: Apache-2.0
// Whether a role works after its restart: its port accepts, or its HTTP path answers, or at least
// its service keeps running. Waits for that, up to a limit. Any thread.
#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "host/agent/role_plugins.hpp"
#include "host/process/child.hpp"
#include "host/role/role.hpp"

namespace rolesync::agent {

struct HealthQuestion {
  const Role& role;
  std::vector<std::string> addresses;  // of its port; one that answers is enough
  std::chrono::milliseconds limit;
  // How long a service must run in one piece, and how long it may be down, to count as that.
  std::chrono::milliseconds settle{1000}, down{2000};
  const CancelFlag* cancelled = nullptr;
};

// Errors: failed/health_check_failed with the last thing that was seen.
Status wait_until_healthy(const HealthQuestion& question,
                          const std::function<Result<ServiceState>()>& service);

}  // namespace rolesync::agent
