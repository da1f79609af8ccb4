// SPDX-License-Identifier: Apache-2.0
#include "host/agent/task_events.hpp"

#include <nlohmann/json.hpp>

#include "host/agent/log.hpp"
#include "host/process/bounded_output.hpp"
#include "host/values/json.hpp"

namespace rolesync::agent {
namespace {

constexpr std::size_t kMaxOutput = 40 << 10;

// A command's output was cut where it was read; this is for several of them. Head and tail are
// kept: the cause of a failure stands in one of the two.
std::string bounded(const std::string& text) {
  process::BoundedOutput output(kMaxOutput);
  output.add(text);
  return output.text();
}

void log_task(const std::string& task_id, const TaskEvent& event) {
  log_event(event.reason.empty() ? LogLevel::info : LogLevel::warning, "task.step",
            {{"task", task_id},
             {"state", event.state},
             {"step", event.step},
             {"reason", event.reason},
             {"message", event.message}});
}

}  // namespace

std::string TaskEvents::text(const std::string& task_id, std::uint64_t fence,
                             std::uint64_t sequence, const TaskEvent& event) {
  Json json{{"task_id", task_id},   {"fence", fence},     {"sequence", sequence},
            {"state", event.state}, {"step", event.step}, {"at", to_rfc3339(clock_.now())}};
  if (!event.reason.empty()) json["reason"] = event.reason;
  if (!event.message.empty()) json["message"] = event.message;
  if (!event.output.empty()) json["output"] = bounded(event.output);
  if (event.restart_pending) json["restart_pending"] = true;
  if (event.release) {
    json["release"] = {{"version", event.release->commit},
                       {"content_id", event.release->content_id},
                       {"role_revision", event.release->role_revision}};
    if (event.verified_at > 0) json["release"]["verified_at"] = to_rfc3339(event.verified_at);
  }
  for (const SavedFile& file : event.saved) {
    json["saved"].push_back({{"path", file.path}, {"saved_as", file.saved_as}});
  }
  return to_text(json);
}

void TaskEvents::progress(TaskRecord& record, const TaskEvent& event) {
  log_task(record.task.task_id, event);
  (void)queue_.add(EventKind::progress,
                   text(record.task.task_id, record.fence, record.next_sequence++, event));
}

bool TaskEvents::result(TaskRecord& record, const TaskEvent& event) {
  log_task(record.task.task_id, event);
  const Status added =  // which says what is wrong
      queue_.add(EventKind::result,
                 text(record.task.task_id, record.fence, record.next_sequence++, event));
  return added || queue_.wait_until_safe();
}

void TaskEvents::refuse(const std::string& task_id, std::uint64_t fence, const Error& error) {
  TaskEvent event;
  event.state = "failed";
  event.step = "report";
  event.reason = error.reason;
  event.message = error.text();
  log_task(task_id, event);
  // Without a record the numbers used so far are not known; the time is above all of them.
  (void)queue_.add(EventKind::result,
                   text(task_id, fence, static_cast<std::uint64_t>(clock_.now()), event));
}

}  // namespace rolesync::agent
