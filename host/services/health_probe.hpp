// SPDX-License-Identifier: Apache-2.0
// One look at a service of this machine from outside: does its port accept, does its HTTP path
// answer 2xx or 3xx. `address` is an IPv4 address of this machine. Any thread.
#pragma once
#include <chrono>
#include <string>

#include "host/values/result.hpp"

namespace rolesync {

// Errors: unavailable/port_closed, timeout/port_silent.
Status probe_port(const std::string& address, int port, std::chrono::milliseconds limit);

// Additionally failed/health_status with the status it answered.
Status probe_http(const std::string& address, int port, const std::string& path,
                  std::chrono::milliseconds limit);

}  // namespace rolesync
