// SPDX-License-Identifier: Apache-2.0
// A process that we started earlier, perhaps before our own last restart: a pid alone may belong to
// somebody else by now, pid with start time and boot id cannot. Any thread.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/values/result.hpp"
#include "host/values/timestamp.hpp"

namespace rolesync {

struct ProcessIdentity {
  pid_t pid = 0;
  std::uint64_t start_time = 0;  // clock ticks after boot, from /proc/<pid>/stat
  std::string boot_id;
  bool operator==(const ProcessIdentity&) const = default;
};

std::optional<ProcessIdentity> identify_process(pid_t pid);

// When it was started, while it runs; nothing when it has ended (a zombie has).
std::optional<Millis> running_since(const ProcessIdentity& process);
// The same on Clock::monotonic(), which no change of the wall clock moves.
std::optional<Millis> running_since_boot(const ProcessIdentity& process);

// Every living process that was started with this mark in its environment, or comes from one that
// was: also those that went into the background or into a session of their own.
inline constexpr const char* kProcessMark = "ROLESYNC_START";
std::vector<pid_t> processes_marked(const std::string& mark);
void signal_marked(const std::string& mark, int signal);

// To its whole process group. A process that is gone is no error.
Status signal_process(const ProcessIdentity& process, int signal);

}  // namespace rolesync
