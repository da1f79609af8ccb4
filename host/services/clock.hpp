// SPDX-License-Identifier: Apache-2.0
// Time as the operating system tells it, behind a seam so that tests can turn it. Any thread.
#pragma once
#include <chrono>
#include <string>

#include "host/values/timestamp.hpp"

namespace rolesync {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Millis now() = 0;                                       // since 1970 UTC; may jump
  virtual std::chrono::steady_clock::time_point monotonic() = 0;  // never jumps
  // The kernel's id of this boot; two readings are equal exactly when no boot lies between them.
  virtual std::string boot_id() = 0;
};

Clock& real_clock();

}  // namespace rolesync
