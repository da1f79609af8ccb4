// SPDX-License-Identifier: Apache-2.0
// How `rolesync demo env` finds the demo that runs in another terminal: one private file per user
// in the temporary directory. Any thread.
#pragma once
#include <sys/types.h>

#include <string>

#include "host/cli/connection.hpp"
#include "host/values/result.hpp"

namespace rolesync::cli {

struct DemoState {
  pid_t pid = 0;           // of the demo
  std::string start_time;  // of that process, as the kernel counts it: pids are used again
  std::string directory, url, token;
};

std::string demo_state_path(const Environment& environment);
std::string process_start_time(pid_t pid);  // empty when there is no such process

Status write_demo_state(const std::string& path, const DemoState& state);
// not_found/no_demo when there is none, or the one that wrote it has ended. A file that belongs to
// somebody else is not believed.
Result<DemoState> read_demo_state(const std::string& path);

// What a shell evaluates to talk to that demo.
std::string shell_environment(const DemoState& state, const std::string& program_directory);

}  // namespace rolesync::cli
