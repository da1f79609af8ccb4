// SPDX-License-Identifier: Apache-2.0
#include "server/domain/rollout_states.hpp"

#include <algorithm>
#include <array>

namespace rolesync::domain {
namespace {

constexpr std::array<std::string_view, 13> task_words = {
    "pending",  "staging",      "staged",    "activating",  "restarting",
    "checking", "rolling_back", "succeeded", "rolled_back", "rollback_failed",
    "failed",   "skipped",      "cancelled"};
constexpr std::array<std::string_view, 8> job_words = {"pending",     "running",       "paused",
                                                       "succeeded",   "partly_failed", "failed",
                                                       "rolled_back", "cancelled"};

}  // namespace

std::string_view to_word(TaskState state) {
  return task_words[static_cast<std::size_t>(state)];
}
std::string_view to_word(JobState state) {
  return job_words[static_cast<std::size_t>(state)];
}

std::optional<TaskState> task_state(std::string_view word) {
  const auto it = std::find(task_words.begin(), task_words.end(), word);
  if (it == task_words.end()) return std::nullopt;
  return static_cast<TaskState>(it - task_words.begin());
}

std::optional<JobState> job_state(std::string_view word) {
  const auto it = std::find(job_words.begin(), job_words.end(), word);
  if (it == job_words.end()) return std::nullopt;
  return static_cast<JobState>(it - job_words.begin());
}

bool is_final(TaskState state) {
  return state >= TaskState::succeeded;
}
bool is_final(JobState state) {
  return state >= JobState::succeeded;
}

}  // namespace rolesync::domain
