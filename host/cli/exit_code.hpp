// SPDX-License-Identifier: Apache-2.0
// What the program's exit code says, so that scripts need not read words. Pure; any thread.
#pragma once
#include <string_view>

#include "host/values/result.hpp"

namespace rolesync::cli {

enum ExitCode : int {
  kOk = 0,
  kFailed = 1,  // it failed, or (status --check) something differs
  kUsage = 2,
  kNotFound = 3,
  kNotAllowed = 4,
  kConflict = 5,  // also a stale plan
  kPartlyFailed = 6,
  kTimedOut = 7,
  kUnreachable = 8,
};

ExitCode exit_code_of(const Error& error);

// Of a job's state; a job that has not ended yet is kOk.
ExitCode exit_code_of_job(std::string_view state);

bool job_has_ended(std::string_view state);

}  // namespace rolesync::cli
