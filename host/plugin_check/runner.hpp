// SPDX-License-Identifier: Apache-2.0
// Runs the checks of one plugin file, one after the other, each in a child that may crash or hang;
// and the child's side of that. One thread.
#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "host/plugin_check/check.hpp"

namespace rolesync::plugin_check {

struct Finding {
  const Check* check;
  Outcome outcome;
};

struct RunnerOptions {
  // Program and arguments that call run_one_check(); the check's id and the file are added. Empty:
  // every check runs in this process, which a bad plugin may take down.
  std::vector<std::string> child;
  std::map<std::string, std::string> environment;
  std::vector<std::string> only;  // ids; empty: all checks
};

// `told` hears of each finding as soon as it is there.
std::vector<Finding> run_checks(const std::filesystem::path& file, const RunnerOptions& options,
                                const std::function<void(const Finding&)>& told);

// The child's side: writes {"state", "detail"} to what was stdout. Returns the exit code.
int run_one_check(const std::string& id, const std::filesystem::path& file);

}  // namespace rolesync::plugin_check
