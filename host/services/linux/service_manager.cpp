// SPDX-License-Identifier: Apache-2.0
#include "host/services/service_manager.hpp"

#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstdlib>

namespace rolesync {

void tell_service_manager(const std::string& state) {
  sd_notify(0, state.c_str());  // the socket stays known: our successor in this process needs it
}

std::optional<std::chrono::microseconds> watchdog_limit() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
  return std::chrono::microseconds(microseconds);
}

bool is_supervised() {
  return std::getenv("NOTIFY_SOCKET") || (std::getenv("INVOCATION_ID") && ::getppid() == 1);
}

}  // namespace rolesync
