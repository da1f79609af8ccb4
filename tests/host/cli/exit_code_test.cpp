// SPDX-License-Identifier: Apache-2.0
#include "host/cli/exit_code.hpp"

#include <gtest/gtest.h>

namespace rolesync::cli {
namespace {

int code_of(ErrorKind kind) {
  return exit_code_of(Error{kind, "reason", "message"});
}

// The numbers are a promise to scripts.
TEST(ExitCode, OfErrors) {
  EXPECT_EQ(code_of(ErrorKind::failed), 1);
  EXPECT_EQ(code_of(ErrorKind::invalid), 2);
  EXPECT_EQ(code_of(ErrorKind::too_large), 2);
  EXPECT_EQ(code_of(ErrorKind::not_found), 3);
  EXPECT_EQ(code_of(ErrorKind::unauthenticated), 4);
  EXPECT_EQ(code_of(ErrorKind::denied), 4);
  EXPECT_EQ(code_of(ErrorKind::conflict), 5);
  EXPECT_EQ(code_of(ErrorKind::precondition), 5);
  EXPECT_EQ(code_of(ErrorKind::timeout), 7);
  EXPECT_EQ(code_of(ErrorKind::unavailable), 8);
}

TEST(ExitCode, OfJobs) {
  EXPECT_EQ(exit_code_of_job("succeeded"), 0);
  EXPECT_EQ(exit_code_of_job("failed"), 1);
  EXPECT_EQ(exit_code_of_job("rolled_back"), 1);
  EXPECT_EQ(exit_code_of_job("cancelled"), 1);
  EXPECT_EQ(exit_code_of_job("partly_failed"), 6);
}

TEST(ExitCode, OnlyEndedJobsHaveEnded) {
  for (const char* state : {"succeeded", "failed", "rolled_back", "cancelled", "partly_failed"})
    EXPECT_TRUE(job_has_ended(state)) << state;
  for (const char* state : {"awaiting_approval", "pending", "running", "paused", ""})
    EXPECT_FALSE(job_has_ended(state)) << state;
}

}  // namespace
}  // namespace rolesync::cli
