// SPDX-License-Identifier: Apache-2.0
// One sync of one role on this node, as the server ordered it and as we remember it across our own
// death: the record on the disk always says which step may have begun. Plain values; one thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/activation/installation.hpp"
#include "host/agent/task_machine.hpp"
#include "host/role/role.hpp"
#include "host/values/json.hpp"
#include "host/values/result.hpp"

namespace rolesync::agent {

struct Task {
  std::string task_id, job_id;
  Role role;
  std::string role_revision, commit, content_id, from_content_id;
  bool restart = false;
  std::string restart_reason;
  FirstInstall first_install = FirstInstall::refuse;
  // With nothing installed: first take the content `from_content_id` of `from_commit` for what is
  // there (first_install "adopt").
  bool adopt = false;
  std::string from_commit;
};

// Strict. Error: invalid/invalid_command.
Result<Task> task_from_json(const Json& payload);
Json task_to_json(const Task& task);

// accepted: staging has not ended. staged: waits for its activation. ordered: that has come.
// switching: a step of the machine may have begun. done: its result is in the queue.
enum class TaskPhase { accepted, staged, ordered, switching, done };

struct TaskRecord {
  Task task;
  std::uint64_t fence = 0;
  TaskPhase phase = TaskPhase::accepted;
  Position position;             // while switching
  bool had_release = false;      // before this task
  std::optional<Role> old_role;  // that release's own definition
  std::string old_commit;
  std::string failure_reason, failure_message;  // of the first step that failed
  std::uint64_t next_sequence = 1;              // of its events
};

Result<TaskRecord> record_from_text(const std::string& text);
std::string record_to_text(const TaskRecord& record);

// The records in <state_dir>/tasks, one durable file each. Any thread, one writer per task.
class TaskStore {
 public:
  explicit TaskStore(std::string directory) : directory_(std::move(directory)) {}
  Status save(const TaskRecord& record);
  Result<std::optional<TaskRecord>> load(const std::string& task_id) const;
  // All, without those that cannot be read, which are set aside under another name.
  std::vector<TaskRecord> load_all() const;
  void remove(const std::string& task_id);
  // Beside the record, because a worker may be busy with that.
  Status mark_cancelled(const std::string& task_id);
  bool is_cancelled(const std::string& task_id) const;

 private:
  std::string path(const std::string& task_id) const;
  std::string directory_;
};

}  // namespace rolesync::agent
