// SPDX-License-Identifier: Apache-2.0
// What systemd is told about this service, when it started it. Any thread.
#pragma once
#include <chrono>
#include <optional>
#include <string>

namespace rolesync {

// "READY=1", "STATUS=...", "WATCHDOG=1", ... (sd_notify); nothing happens where nobody listens.
void tell_service_manager(const std::string& state);

// How often WATCHDOG=1 must come at least; nothing when nobody waits for it.
std::optional<std::chrono::microseconds> watchdog_limit();

// Whether a service manager started this process, and so starts it again when it ends.
bool is_supervised();

}  // namespace rolesync
