// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/running_job.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/values/json.hpp"
#include "server/domain/rollout_operator.hpp"
#include "server/domain/rollout_outcome.hpp"
#include "server/rollout/rollout_options.hpp"

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

domain::RolloutPolicy policy_of(const store::SyncJob& job) {
  const auto json = parse_json(job.options);
  if (!json || !json->is_object()) return {};
  return policy_of(rollout_options_from_json(json->value("rollout", Json::object())),
                   json->value("on_failure", "stop"), job.created_at);
}

// What operators have said, as the job keeps it.
std::string progress_of(const domain::Rollout& rollout) {
  return to_text({{"cancel_requested", rollout.cancel_requested},
                  {"pause_requested", rollout.pause_requested},
                  {"promoted", rollout.promoted},
                  {"accepted_failed", rollout.accepted_failed},
                  {"accepted_unreachable", rollout.accepted_unreachable}});
}

void take_progress(domain::Rollout& rollout, const std::string& text) {
  const auto progress = parse_json(text);
  if (!progress || !progress->is_object()) return;
  rollout.cancel_requested = progress->value("cancel_requested", false);
  rollout.pause_requested = progress->value("pause_requested", false);
  rollout.promoted = progress->value("promoted", false);
  rollout.accepted_failed = progress->value("accepted_failed", std::size_t{0});
  rollout.accepted_unreachable = progress->value("accepted_unreachable", std::size_t{0});
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
  for (const store::HeldContent& content : held) {
    if (Status kept = store::hold_content(session, content); !kept) return kept;
  }
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
  job.rollout_.policy = policy_of(job.record_);
  take_progress(job.rollout_, job.record_.progress);
  const auto placement = store::placement_of_job(session, job_id);
  if (!placement) return placement.error();
  const Placements places = placements_from_text(*placement);
  for (const store::SyncTask& task : job.tasks_) {
    domain::RolloutTask state = to_rollout(task, now);
    // What an agent had said when the server died, and was not taken over any more.
    auto said = store::events_of_task(session, task.id);
    if (!said) return said.error();
    for (const store::TaskEvent& event : *said) {
      const auto report = report_of(event, task);
      if (report) domain::apply(state, *report, event.received_at);
    }
    if (const auto place = places.find(task.node); place != places.end()) {
      state.canary = place->second.canary;
      state.group = place->second.group;
      state.weight = place->second.weight;
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

Status RunningJob::act(const JobAction& action, Millis now) {
  switch (action.kind) {
    case JobAction::Kind::cancel:
      rollout_.cancel_requested = true;
      return {};
    case JobAction::Kind::pause:
      return domain::pause(rollout_);
    case JobAction::Kind::resume:
      return domain::resume(rollout_);
    case JobAction::Kind::promote:
      return domain::promote(rollout_);
    case JobAction::Kind::skip:
      break;
  }
  const auto given = domain::skip_node(rollout_, action.node, now);
  if (!given) return given.error();
  orders_.insert(orders_.end(), given->begin(), given->end());
  return {};
}

std::optional<JobStep> RunningJob::next(Millis now, const domain::Observed& observed,
                                        const domain::RolloutLimits& limits) {
  const auto given = domain::advance(rollout_, now, observed, limits);
  orders_.insert(orders_.end(), given.begin(), given.end());
  JobStep step;
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    if (!differs(tasks_[i], rollout_.tasks[i])) continue;
    step.tasks.emplace_back(i, with_state(tasks_[i], rollout_.tasks[i], now));
  }
  const std::string_view state = domain::to_word(rollout_.state);
  const std::string progress = progress_of(rollout_);
  step.state_changed = record_.state != state || record_.reason != rollout_.reason;
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
  if (domain::is_final(rollout_.state)) {
    step.record.finished_at = now;
    for (const std::size_t i : domain::tasks_to_blame(rollout_)) {
      const domain::RolloutTask& task = rollout_.tasks[i];
      step.held.push_back({task.role, tasks_[i].content_id, tasks_[i].commit, task.reason,
                           task.message, record_.id, now});
    }
  }
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
