// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/running_job.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/values/json.hpp"

namespace rolesync::rollout {
namespace {

using domain::Order;
using domain::TaskState;

int order_of(const store::SyncTask& task) {
  const auto json = parse_json(task.task);
  if (!json || !json->is_object()) return 100;
  const Json role = json->value("role", Json::object());
  return role.is_object() ? role.value("order", 100) : 100;
}

// Positions carry the plan's order, which is that of the roles; the snapshot has the number itself.
domain::RolloutTask to_rollout(const store::SyncTask& task, Millis now) {
  domain::RolloutTask result;
  result.id = task.id;
  result.node = task.node;
  result.role = task.role;
  result.order = order_of(task);
  result.state = domain::task_state(task.state).value_or(TaskState::failed);
  result.step = task.step;
  result.reason = task.reason;
  result.message = task.message;
  result.restart_pending = task.restart_pending;
  result.commanded_at = now;  // a server that was away gives its nodes their time again
  result.started_at = task.started_at;
  result.finished_at = task.finished_at;
  return result;
}

// What an agent said of a task; nothing when it was a stale worker.
std::optional<domain::TaskReport> report_of(const store::TaskEvent& event,
                                            const store::SyncTask& task) {
  const auto word = domain::task_state(event.state);
  if (!word || event.fence != task.fence) return std::nullopt;
  return domain::TaskReport{*word, event.step, event.reason, event.message, event.restart_pending};
}

bool option_is(const store::SyncJob& job, const char* option, const char* value) {
  const auto json = parse_json(job.options);
  return json && json->is_object() && json->value(option, Json()) == value;
}

store::CommandRecord command_for(const store::SyncTask& task, Order::Kind order,
                                 const std::string& request_id, Millis now) {
  store::CommandRecord command;
  command.node = task.node;
  command.task_id = task.id;
  command.fence = task.fence;
  command.request_id = request_id;
  command.created_at = now;
  command.payload = to_text({{"task_id", task.id}});
  const char* kind = "cancel";
  if (order == Order::Kind::stage) {
    kind = "stage";
    command.payload = task.task;
  } else if (order == Order::Kind::activate) {
    kind = "activate";
  }
  command.kind = kind;
  command.id = "cmd_" + std::string(kind) + "_" + task.id;  // the same order twice is one command
  return command;
}

bool differs(const store::SyncTask& a, const domain::RolloutTask& b) {
  return a.state != domain::to_word(b.state) || a.step != b.step || a.reason != b.reason ||
         a.message != b.message || a.restart_pending != b.restart_pending;
}

store::SyncTask with_state(store::SyncTask task, const domain::RolloutTask& from, Millis now) {
  task.state = domain::to_word(from.state);
  task.step = from.step;
  task.reason = from.reason;
  task.message = from.message;
  task.restart_pending = from.restart_pending;
  task.started_at = from.started_at;
  task.finished_at = from.finished_at;
  task.updated_at = now;
  return task;
}

}  // namespace

Status JobStep::write(store::Session& session, Millis now) const {
  for (const auto& [place, task] : tasks) {
    if (Status saved = store::save_task(session, task); !saved) return saved;
  }
  if (Status saved = store::save_job(session, record); !saved) return saved;
  for (const std::string& task : dropped) {
    Status withdrawn = store::withdraw_commands_of_task(session, task, now);
    if (!withdrawn) return withdrawn;
  }
  for (const store::CommandRecord& command : commands) {
    if (store::find_command(session, command.id)) continue;
    if (Status added = store::add_command(session, command); !added) return added;
  }
  return {};
}

Result<RunningJob> RunningJob::load(store::Session& session, const std::string& job_id,
                                    Millis now) {
  auto record = store::find_job(session, job_id);
  if (!record) return record.error();
  auto tasks = store::tasks_of_job(session, job_id);
  if (!tasks) return tasks.error();
  RunningJob job;
  job.record_ = std::move(*record);
  job.tasks_ = std::move(*tasks);
  job.rollout_.state = domain::job_state(job.record_.state).value_or(domain::JobState::pending);
  job.rollout_.stop_on_failure = !option_is(job.record_, "on_failure", "continue");
  const auto progress = parse_json(job.record_.progress);
  job.rollout_.cancel_requested =
      job.record_.cancel_requested ||
      (progress && progress->is_object() && progress->value("cancel_requested", Json()) == true);
  for (const store::SyncTask& task : job.tasks_) {
    domain::RolloutTask state = to_rollout(task, now);
    // What an agent had said when the server died, and was not taken over any more.
    auto said = store::events_of_task(session, task.id);
    if (!said) return said.error();
    for (const store::TaskEvent& event : *said) {
      const auto report = report_of(event, task);
      if (report) domain::apply(state, *report, event.received_at);
    }
    job.rollout_.tasks.push_back(std::move(state));
  }
  return job;
}

bool RunningJob::apply(std::size_t task, const std::vector<store::TaskEvent>& events) {
  bool news = false;
  for (const store::TaskEvent& event : events) {
    const auto report = report_of(event, tasks_[task]);
    if (report && apply(task, *report, event.received_at)) news = true;
  }
  return news;
}

bool RunningJob::ended() const {
  const auto state = domain::job_state(record_.state);
  return state && domain::is_final(*state);
}

bool RunningJob::apply(std::size_t task, const domain::TaskReport& report, Millis now) {
  return domain::apply(rollout_.tasks[task], report, now);
}

std::optional<JobStep> RunningJob::next(Millis now, const domain::LastSeen& last_seen,
                                        const domain::RolloutLimits& limits) {
  const auto given = domain::advance(rollout_, now, last_seen, limits);
  orders_.insert(orders_.end(), given.begin(), given.end());
  JobStep step;
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    if (!differs(tasks_[i], rollout_.tasks[i])) continue;
    step.tasks.emplace_back(i, with_state(tasks_[i], rollout_.tasks[i], now));
  }
  const std::string_view state = domain::to_word(rollout_.state);
  const std::string progress = to_text({{"cancel_requested", rollout_.cancel_requested}});
  step.state_changed = record_.state != state;
  if (step.tasks.empty() && orders_.empty() && !step.state_changed &&
      progress == record_.progress) {
    return std::nullopt;
  }
  step.record = record_;
  step.record.progress = progress;
  step.record.state = state;
  step.record.reason = rollout_.reason;
  step.record.message = rollout_.message;
  if (!step.record.started_at) step.record.started_at = now;
  if (domain::is_final(rollout_.state)) step.record.finished_at = now;
  for (const Order& order : orders_) {
    const store::SyncTask& task = tasks_[order.task];
    if (order.kind == Order::Kind::drop) step.dropped.push_back(task.id);
    step.commands.push_back(command_for(task, order.kind, record_.request_id, now));
  }
  step.orders = orders_.size();
  return step;
}

void RunningJob::written(JobStep step) {
  record_ = std::move(step.record);
  for (auto& [place, task] : step.tasks) tasks_[place] = std::move(task);
  orders_.erase(orders_.begin(), orders_.begin() + static_cast<std::ptrdiff_t>(step.orders));
}

}  // namespace rolesync::rollout
