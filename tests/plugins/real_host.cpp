// SPDX-License-Identifier: Apache-2.0
#include "tests/plugins/real_host.hpp"

#include <stdexcept>

#include "host/process/child.hpp"
#include "host/values/hash.hpp"

namespace rolesync::testing {
namespace {

const std::map<std::string, std::string> usual_environment = {
    {"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"LANG", "C.UTF-8"}};

}  // namespace

Started run_program(const std::vector<std::string>& argv, int stdio_fd, int connection_fd) {
  ChildSpec spec;
  spec.argv = argv;
  spec.environment = usual_environment;
  spec.time_limit = std::chrono::seconds(30);
  spec.stdio_fd = stdio_fd;
  spec.connection_fd = connection_fd;
  Result<ChildResult> result = run_child(spec);
  if (!result) throw std::runtime_error(result.error().text());
  return {result->exit_code, result->signal, result->timed_out, result->output, result->errors};
}

int start_program(const std::vector<std::string>& argv, const std::string& directory,
                  const std::map<std::string, std::string>& environment, const std::string& log) {
  ChildSpec spec;
  spec.argv = argv;
  spec.directory = directory;
  spec.environment = environment;
  spec.environment.insert(usual_environment.begin(), usual_environment.end());
  const Result<pid_t> pid = start_detached(spec, log);
  if (!pid) throw std::runtime_error(pid.error().text());
  return *pid;
}

std::string blob_id(const std::string& content) {
  return git_blob_id(content);
}

}  // namespace rolesync::testing
