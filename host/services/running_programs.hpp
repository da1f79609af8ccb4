// SPDX-License-Identifier: Apache-2.0
// The programs that run for calls of plugins right now, written down, so that the process that
// comes after us can end them when we were killed. Each with its process group; what left that is
// none of ours (a control program may well start a daemon). Any thread.
#pragma once
#include <sys/types.h>

#include <cstddef>
#include <string>

namespace rolesync {

// On record while the object lives.
class RunningProgram {
 public:
  RunningProgram(const std::string& directory, pid_t pid);
  ~RunningProgram();
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;

 private:
  std::string path_;
};

// For a start only: kills what an earlier process of ours left on record. How many still ran.
std::size_t end_left_programs(const std::string& directory);

}  // namespace rolesync
