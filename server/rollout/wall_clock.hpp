// SPDX-License-Identifier: Apache-2.0
// The time of day of the server process. Any thread.
#pragma once
#include <chrono>

#include "host/values/timestamp.hpp"

namespace rolesync::rollout {

inline Millis now_millis() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace rolesync::rollout
