// SPDX-License-Identifier: Apache-2.0
// Following a job to its end: every change of a task is one line of words, the outcome is data.
// One thread.
#pragma once
#include <chrono>
#include <optional>
#include <string>

#include "host/cli/session.hpp"
#include "host/values/json.hpp"

namespace rolesync::cli {

struct FollowOptions {
  std::optional<std::chrono::seconds> time_limit;  // then exit code kTimedOut; the job goes on
};

// Returns the exit code of the job's end. `job` is what the server answered when it was made.
int follow_job(Session& session, const std::string& job_id, const FollowOptions& options);

// A finished or running job with its tasks, as tables and words.
void print_job(Session& session, const Json& job);

}  // namespace rolesync::cli
