// SPDX-License-Identifier: Apache-2.0
#include "host/services/running_programs.hpp"

#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "host/services/durable_file.hpp"
#include "host/services/process_identity.hpp"

namespace rolesync {

// Not synced: it is of no use after the machine itself has died.
RunningProgram::RunningProgram(const std::string& directory, pid_t pid) {
  const std::optional<ProcessIdentity> process = identify_process(pid);
  if (!process || !make_directories(directory)) return;
  path_ = directory + "/" + std::to_string(pid);
  std::ofstream(path_) << process->pid << ' ' << process->start_time << ' ' << process->boot_id;
}

RunningProgram::~RunningProgram() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

std::size_t end_left_programs(const std::string& directory) {
  std::size_t count = 0;
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(directory, failure)) {
    std::ifstream in(entry.path());
    ProcessIdentity process;
    if (in >> process.pid >> process.start_time >> process.boot_id && running_since(process)) {
      ++count;
      (void)signal_process(process, SIGKILL);
    }
    ::unlink(entry.path().c_str());
  }
  return count;
}

}  // namespace rolesync
