// SPDX-License-Identifier: Apache-2.0
#include "host/agent/self_update/fall_back.hpp"

#include "host/agent/installations.hpp"
#include "host/agent/log.hpp"
#include "host/agent/running.hpp"
#include "host/agent/task.hpp"

namespace rolesync::agent {
namespace {

// From here on whoever resumes the task only finishes its way back.
Status turn_task_back(const AgentConfig& config, const Attempt& attempt, const std::string& cause) {
  TaskStore tasks(config.state_dir + "/tasks");
  Result<std::optional<TaskRecord>> record = tasks.load(attempt.task_id);
  if (!record) return record.error();
  if (!record->has_value()) return {};
  TaskRecord& task = **record;
  task.phase = TaskPhase::switching;
  task.position = {Step::restore, false};
  if (task.failure_reason.empty()) {
    task.failure_reason = "self_update_unconfirmed";
    task.failure_message = cause;
  }
  return tasks.save(task);
}

Status restore(const AgentConfig& config, const Attempt& attempt, const std::string& cause) {
  Installations installations(real_file_system(), config);
  Result<Held> held = installations.hold(attempt.role);  // ends an interrupted switch
  if (!held) return held.error();
  const Release* now = (*held)->current();
  if (!now || now->task_id != attempt.task_id) return {};  // never switched, or back already
  if (Status turned = turn_task_back(config, attempt, cause); !turned) return turned;
  Result<SwitchReport> report = (*held)->roll_back(moment_of(real_clock()));
  return report ? Status() : Status(report.error());
}

}  // namespace

Status fall_back(const AgentConfig& config, const Attempt& attempt, const std::string& cause) {
  log_event(LogLevel::error, "self_update.falls_back",
            {{"task", attempt.task_id}, {"role", attempt.role.name}, {"detail", cause}});
  const Status restored = restore(config, attempt, cause);
  if (!restored) {
    log_event(LogLevel::error, "self_update.not_restored",
              {{"task", attempt.task_id}, {"detail", restored.error().text()}});
  }
  const Status removed = AttemptStore(config).remove();
  return restored ? removed : restored;
}

Result<std::string> undo_unconfirmed(const AgentConfig& config) {
  const Result<std::optional<Attempt>> attempt = AttemptStore(config).load();
  if (!attempt) return attempt.error();
  if (!attempt->has_value() || (*attempt)->is_this_process()) return std::string();
  const Status back =
      fall_back(config, **attempt,
                "the agent ended, or the machine did, before the new agent had reached its server");
  if (!back) return back.error();
  return (*attempt)->program;
}

}  // namespace rolesync::agent
