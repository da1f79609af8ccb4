// SPDX-License-Identifier: Apache-2.0
#include "host/agent/task.hpp"

#include <nlohmann/json.hpp>

#include "host/values/names.hpp"

namespace rolesync::agent {
namespace {

Error invalid_command(std::string message) {
  return {ErrorKind::invalid, "invalid_command", std::move(message),
          "server and agent must speak the same protocol; look at their versions"};
}

// A file name is made of it.
bool is_task_id(const std::string& id) {
  return !id.empty() && id.size() <= 100 &&
         id.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
             std::string::npos;
}

bool is_content_id(const std::string& id) {
  return id.size() == 68 && id.rfind("rs1:", 0) == 0 &&
         id.find_first_not_of("0123456789abcdef", 4) == std::string::npos;
}

std::string text(const Json& object, const char* key) {
  auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : "";
}

const char* name(TaskPhase phase) {
  switch (phase) {
    case TaskPhase::accepted:
      return "accepted";
    case TaskPhase::staged:
      return "staged";
    case TaskPhase::ordered:
      return "ordered";
    case TaskPhase::switching:
      return "switching";
    case TaskPhase::done:
      return "done";
  }
  return "done";
}

TaskPhase phase_from(const std::string& text) {
  for (TaskPhase phase :
       {TaskPhase::accepted, TaskPhase::staged, TaskPhase::ordered, TaskPhase::switching}) {
    if (text == name(phase)) return phase;
  }
  return TaskPhase::done;
}

}  // namespace

Result<Task> task_from_json(const Json& payload) {
  if (!payload.is_object() || !payload.contains("role")) {
    return invalid_command("the task has no role");
  }
  Task task;
  task.task_id = text(payload, "task_id");
  task.job_id = text(payload, "job_id");
  task.role_revision = text(payload, "role_revision");
  task.commit = text(payload, "commit");
  task.content_id = text(payload, "content_id");
  task.from_content_id = text(payload, "from_content_id");
  task.restart_reason = text(payload, "restart_reason");
  if (!is_task_id(task.task_id)) return invalid_command("the task has no valid task_id");
  if (!is_commit(task.commit)) return invalid_command("the task's commit is not a full id");
  if (!is_content_id(task.content_id)) return invalid_command("the task's content_id is not valid");
  auto restart = payload.find("restart");
  if (restart != payload.end()) {
    if (!restart->is_boolean()) return invalid_command("'restart' is not true or false");
    task.restart = restart->get<bool>();
  }
  const std::string first = text(payload, "first_install");
  task.adopt = first == "adopt";
  task.from_commit = text(payload, "from_commit");
  if (task.adopt && (!is_commit(task.from_commit) || !is_content_id(task.from_content_id))) {
    return invalid_command("a task that adopts does not say what");
  }
  if (!first.empty() && !task.adopt && first != "refuse" && first != "overlay") {
    return invalid_command("first_install '" + first + "' is not known");
  }
  task.first_install = first == "overlay" ? FirstInstall::overlay : FirstInstall::refuse;
  Result<Role> role = role_from_json(payload["role"]);
  if (!role) return invalid_command("the task's role is not valid: " + role.error().message);
  if (role->target_path.empty()) return invalid_command("the task's role has no target_path");
  task.role = std::move(*role);
  return task;
}

Json task_to_json(const Task& task) {
  return {{"task_id", task.task_id},
          {"job_id", task.job_id},
          {"role", role_to_json(task.role)},
          {"role_revision", task.role_revision},
          {"commit", task.commit},
          {"content_id", task.content_id},
          {"from_content_id", task.from_content_id},
          {"restart", task.restart},
          {"restart_reason", task.restart_reason},
          {"from_commit", task.from_commit},
          {"first_install", task.adopt                                    ? "adopt"
                            : task.first_install == FirstInstall::overlay ? "overlay"
                                                                          : "refuse"}};
}

Result<TaskRecord> record_from_text(const std::string& document) {
  Result<Json> json = parse_json(document);
  if (!json) return json.error();
  if (!json->is_object() || !json->contains("task")) return invalid_command("no task in it");
  Result<Task> task = task_from_json((*json)["task"]);
  if (!task) return task.error();
  TaskRecord record;
  record.task = std::move(*task);
  record.fence = json->value("fence", std::uint64_t{0});
  record.phase = phase_from(text(*json, "phase"));
  if (auto step = step_from_name(text(*json, "step"))) record.position.step = *step;
  record.position.undo_trouble = json->value("undo_trouble", false);
  record.had_release = json->value("had_release", false);
  if (json->contains("old_role")) {
    Result<Role> role = role_from_json((*json)["old_role"]);
    if (role) record.old_role = std::move(*role);
  }
  record.old_commit = text(*json, "old_commit");
  record.failure_reason = text(*json, "failure_reason");
  record.failure_message = text(*json, "failure_message");
  record.next_sequence = json->value("next_sequence", std::uint64_t{1});
  return record;
}

std::string record_to_text(const TaskRecord& record) {
  Json json{{"task", task_to_json(record.task)},
            {"fence", record.fence},
            {"phase", name(record.phase)},
            {"step", std::string(step_name(record.position.step))},
            {"undo_trouble", record.position.undo_trouble},
            {"had_release", record.had_release},
            {"old_commit", record.old_commit},
            {"failure_reason", record.failure_reason},
            {"failure_message", record.failure_message},
            {"next_sequence", record.next_sequence}};
  if (record.old_role) json["old_role"] = role_to_json(*record.old_role);
  return to_text(json);
}

}  // namespace rolesync::agent
