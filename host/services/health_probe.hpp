// SPDX-License-Identifier: Apache-2.0
// One look at a service of this machine from outside: does its port accept, does its HTTP path
// answer 2xx or 3xx. Only 127.0.0.1 is asked. Any thread.
#pragma once
#include <chrono>
#include <string>

#include "host/values/result.hpp"

namespace rolesync {

// Errors: unavailable/port_closed, timeout/port_silent.
Status probe_port(int port, std::chrono::milliseconds limit);

// Additionally failed/health_status with the status it answered.
Status probe_http(int port, const std::string& path, std::chrono::milliseconds limit);

}  // namespace rolesync
