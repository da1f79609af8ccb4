// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "host/agent/log.hpp"
#include "host/agent/task.hpp"
#include "host/services/durable_file.hpp"

namespace rolesync::agent {

std::string TaskStore::path(const std::string& task_id) const {
  return directory_ + "/" + task_id + ".json";
}

Status TaskStore::save(const TaskRecord& record) {
  if (Status made = make_directories(directory_); !made) return made;
  return write_durably(path(record.task.task_id), record_to_text(record));
}

Result<std::optional<TaskRecord>> TaskStore::load(const std::string& task_id) const {
  if (task_id.find('/') != std::string::npos) return std::optional<TaskRecord>();
  Result<std::optional<std::string>> text = read_if_there(path(task_id));
  if (!text) return text.error();
  if (!text->has_value()) return std::optional<TaskRecord>();
  Result<TaskRecord> record = record_from_text(**text);
  if (!record) return record.error();
  return std::optional<TaskRecord>(std::move(*record));
}

std::vector<TaskRecord> TaskStore::load_all() const {
  std::vector<TaskRecord> records;
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, failure)) {
    if (entry.path().extension() != ".json") continue;
    Result<std::optional<std::string>> text = read_if_there(entry.path());
    Result<TaskRecord> record =
        text && text->has_value() ? record_from_text(**text)
                                  : Result<TaskRecord>(Error{ErrorKind::failed, "", "unreadable"});
    if (record) {
      records.push_back(std::move(*record));
    } else {
      log_event(LogLevel::error, "task.record_damaged",
                {{"file", entry.path()}, {"detail", record.error().message}});
      std::rename(entry.path().c_str(), (entry.path().string() + ".damaged").c_str());
    }
  }
  return records;
}

Status TaskStore::mark_cancelled(const std::string& task_id) {
  return write_durably(directory_ + "/" + task_id + ".cancelled", "");
}

bool TaskStore::is_cancelled(const std::string& task_id) const {
  return ::access((directory_ + "/" + task_id + ".cancelled").c_str(), F_OK) == 0;
}

void TaskStore::remove(const std::string& task_id) {
  ::unlink(path(task_id).c_str());
  ::unlink((directory_ + "/" + task_id + ".cancelled").c_str());
}

}  // namespace rolesync::agent
