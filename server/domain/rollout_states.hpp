// SPDX-License-Identifier: Apache-2.0
// The states of jobs and their tasks, and the words by which API, database and agents call them.
#pragma once
#include <optional>
#include <string_view>

namespace rolesync::domain {

enum class TaskState {
  pending,
  staging,
  staged,
  activating,
  restarting,
  checking,
  rolling_back,
  succeeded,
  rolled_back,
  rollback_failed,
  failed,
  skipped,
  cancelled
};
std::string_view to_word(TaskState state);
std::optional<TaskState> task_state(std::string_view word);
bool is_final(TaskState state);

enum class JobState {
  pending,
  running,
  paused,
  succeeded,
  partly_failed,
  failed,
  rolled_back,
  cancelled
};
std::string_view to_word(JobState state);
std::optional<JobState> job_state(std::string_view word);
bool is_final(JobState state);

}  // namespace rolesync::domain
