// SPDX-License-Identifier: Apache-2.0
// Counts what a plugin's child uses, and says when it is too much. One thread.
#pragma once
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>

#include "host/plugin/policy.hpp"
#include "host/values/result.hpp"

namespace rolesync::plugin {

class ChildUsage {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds look_every{100};

  explicit ChildUsage(ChildLimits limits) : limits_(limits) {}

  void begin_child(pid_t pid);
  void begin_call() { output_ = 0; }
  void add_output(std::size_t bytes) { output_ += bytes; }

  // What is over its limit: plugin_flood or plugin_memory; the message continues "<plugin> ...".
  // The memory is looked at when the last look is old enough, or when asked to.
  std::optional<Error> excess(bool look_now = false);

 private:
  const ChildLimits limits_;
  pid_t pid_ = -1;
  std::size_t output_ = 0;
  Clock::time_point looked_;
};

// Resident memory of a process; 0 when it is gone.
std::uint64_t resident_bytes(pid_t pid);

}  // namespace rolesync::plugin
