// SPDX-License-Identifier: Apache-2.0
// The host's processes and hashes for tests of plugins, without its headers: SDK and host both
// have a rolesync::Error, and no file sees both.
#pragma once
#include <map>
#include <string>
#include <vector>

namespace rolesync::testing {

struct Started {
  int exit_code = -1;
  int signal = 0;
  bool timed_out = false;
  std::string output, errors;
};

// Throws std::runtime_error when the program cannot be started. -1: no such descriptor.
Started run_program(const std::vector<std::string>& argv, int stdio_fd, int connection_fd);

// The pid of a program in a session of its own.
int start_program(const std::vector<std::string>& argv, const std::string& directory,
                  const std::map<std::string, std::string>& environment, const std::string& log);

std::string blob_id(const std::string& content);

}  // namespace rolesync::testing
