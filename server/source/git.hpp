// SPDX-License-Identifier: Apache-2.0
// The one way server/source runs git: no configuration of the machine or the user, no hooks, no
// prompts, no transport but the one asked for. Arguments from outside were checked before and stand
// behind `--end-of-options` or `--`. Any thread.
#pragma once
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "host/process/child.hpp"
#include "host/values/result.hpp"

namespace rolesync::source {

struct GitCall {
  std::filesystem::path repository;     // a bare repository; empty: none (git init)
  std::vector<std::string> arguments;   // from the subcommand on
  std::string allowed_protocol;         // "file", "ext"; empty: no transport at all
  std::filesystem::path global_config;  // instead of none, for what only a global one may say
  std::string input;
  int connection_fd = -1;  // descriptor 3 of the child
  std::size_t output_cap = 256 << 20;
  std::chrono::milliseconds time_limit{60'000};
  const CancelFlag* cancelled = nullptr;
};

// The complete command and environment, for callers that talk to the child themselves.
ChildSpec git_child(const GitCall& call);

// Output of a git that ended with 0. Errors: failed/git_failed with git's last words, timeout/
// git_timed_out, unavailable/git_missing, too_large/git_output_too_large.
Result<std::string> run_git(const GitCall& call);

}  // namespace rolesync::source
