// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/scheduler.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/values/json.hpp"
#include "server/rollout/wall_clock.hpp"

namespace rolesync::rollout {
namespace {

// How often one that waits for the end of a freeze is tried, and one whose cron has no next time.
constexpr Millis kTryAgain = 30'000;
constexpr Millis kNoNextTime = Millis{24} * 3'600'000;

Json options_of(const store::Schedule& schedule) {
  const auto json = parse_json(schedule.options);
  return json && json->is_object() ? *json : Json::object();
}

bool has_labels(const NodeView& node, const std::map<std::string, std::string>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& label) {
    const auto found = node.labels.find(label.first);
    return found != node.labels.end() && found->second == label.second;
  });
}

}  // namespace

Result<Scheduler::Timetable> Scheduler::timetable(const store::Schedule& schedule) {
  auto cron = domain::Cron::parse(schedule.cron);
  if (!cron) return cron.error();
  auto zone = domain::TimeZone::find(schedule.time_zone);
  if (!zone) return zone.error();
  Timetable table{schedule, std::move(*cron), *zone, {}, 0};
  for (const std::string& text : schedule.windows) {
    auto window = domain::parse_window(text);
    if (!window) return window.error();
    table.windows.push_back(std::move(*window));
  }
  return table;
}

void Scheduler::changed() {
  const std::lock_guard lock(mutex_);
  stale_ = true;
}

void Scheduler::load(Millis now) {
  const auto schedules =
      parts_.store.read([](store::Session& session) { return store::list_schedules(session); });
  if (!schedules) {
    spdlog::error("schedules not read: {}", schedules.error().text());
    return;
  }
  stale_ = false;
  tables_.clear();
  for (const store::Schedule& schedule : *schedules) {
    if (!schedule.enabled) continue;
    auto table = timetable(schedule);
    if (!table) {
      spdlog::error("schedule={} cannot run: {}", schedule.name, table.error().text());
      continue;
    }
    table->look_at = now;
    tables_.emplace(schedule.name, std::move(*table));
  }
}

void Scheduler::tick(Millis now) {
  const std::lock_guard lock(mutex_);
  if (stale_) load(now);
  for (auto& [name, table] : tables_) {
    if (now >= table.look_at) look(table, now);
  }
}

void Scheduler::look(Timetable& table, Millis now) {
  store::Schedule& schedule = table.schedule;
  close_window(table, now);
  const domain::Due due = domain::due(table.cron, table.zone, schedule.considered_at, now);
  table.look_at = std::min(due.next.value_or(now + kNoNextTime), now + kTryAgain);
  if (due.fire) {
    const Millis before = schedule.considered_at;
    schedule.considered_at = *due.fire;
    schedule.due_at = *due.fire;
    if (!save(table, before)) return;
    if (due.missed > 0) {
      spdlog::info("schedule={} makes up for {} missed runs at once", schedule.name, due.missed);
    }
  }
  if (schedule.due_at) run(table, now, {"schedule " + schedule.name, ""});
}

// A run that is to end with its window: nothing more is begun, what is being switched is finished.
void Scheduler::close_window(const Timetable& table, Millis now) {
  if (table.schedule.on_window_close != "cancel" || table.windows.empty()) return;
  if (domain::in_window(table.windows, table.zone, now)) return;
  const auto job = running_job(table.schedule);
  if (!job) return;
  if (Status cancelled = parts_.runner.act(*job, {JobAction::Kind::cancel, ""}); cancelled) {
    parts_.events.publish({.type = "schedule_changed",
                           .message = "the window of schedule " + table.schedule.name +
                                      " has closed; its job begins nothing more",
                           .job = *job,
                           .reason = "window_closed"});
  }
}

std::optional<std::string> Scheduler::running_job(const store::Schedule& schedule) const {
  if (schedule.last_job.empty()) return std::nullopt;
  const auto job = parts_.store.read(
      [&](store::Session& session) { return store::find_job(session, schedule.last_job); });
  // One that only waits for approval gives way to the next.
  const bool runs = job && !job->finished_at && job->state != "awaiting_approval";
  return runs ? std::optional(schedule.last_job) : std::nullopt;
}

PlanRequest Scheduler::plan_request(const store::Schedule& schedule) const {
  PlanRequest request;
  if (!schedule.roles.empty()) request.roles = schedule.roles;
  if (!schedule.nodes.empty() || !schedule.labels.empty()) {
    std::vector<std::string> nodes;
    for (const NodePointer& node : parts_.nodes.all()) {
      const bool named =
          schedule.nodes.empty() ||
          std::find(schedule.nodes.begin(), schedule.nodes.end(), node->id) != schedule.nodes.end();
      if (named && has_labels(*node, schedule.labels)) nodes.push_back(node->id);
    }
    request.nodes = std::move(nodes);
  }
  request.options = plan_options_from_json(schedule.options);
  return request;
}

void Scheduler::run(Timetable& table, Millis now, const Asker& asker) {
  store::Schedule& schedule = table.schedule;
  if (const auto job = running_job(schedule)) {
    schedule.due_at.reset();
    return finish(table, now, "overlaps", "its job " + *job + " still runs");
  }
  const bool by_time = schedule.due_at.has_value();
  if (by_time && !domain::in_window(table.windows, table.zone, now)) {
    const auto opens = domain::window_opens(table.windows, table.zone, now);
    return finish(
        table, now, "waits_for_window",
        opens ? "the next window opens at " + to_rfc3339(*opens) : "no window ever opens");
  }
  const auto kept = parts_.plans.make(plan_request(schedule), asker.by, asker.request_id);
  if (!kept) {
    schedule.due_at.reset();
    return finish(table, now, "failed", kept.error().text());
  }
  const auto& rows = kept->plan.rows;
  if (std::none_of(rows.begin(), rows.end(), [](const auto& row) { return row.acts(); })) {
    schedule.due_at.reset();
    return finish(table, now, "nothing_to_do", "everything it is about is current");
  }
  schedule.last_plan = kept->plan.hash;
  if (schedule.outcome == "waits_for_approval" && !schedule.last_job.empty()) {
    // Nobody approved it in time; refused when somebody has.
    (void)parts_.desk.withdraw(schedule.last_job, "superseded", {asker.by, "", asker.request_id});
  }
  start(table, kept->plan.hash, now, asker);
}

void Scheduler::start(Timetable& table, const std::string& plan_hash, Millis now,
                      const Asker& asker) {
  store::Schedule& schedule = table.schedule;
  const store::Schedule before = schedule;
  const Json options = options_of(schedule);
  JobOrder order;
  order.plan_hash = plan_hash;
  order.options.on_stale = options.value("on_stale", "skip");
  order.options.on_failure = options.value("on_failure", "stop");
  order.options.rollout = rollout_options_from_json(options.value("rollout", Json::object()));
  order.options.on_freeze = "skip";
  order.options.on_held = "skip";
  order.ask = schedule.approval == "required";
  order.requested_by = asker.by;
  order.request_id = asker.request_id;
  order.keep = [&](store::Session& session, const store::SyncJob& job,
                   const std::vector<store::SyncTask>& tasks) {
    schedule.due_at.reset();
    schedule.last_job = job.id;
    const bool waits = job.state == "awaiting_approval";
    schedule.outcome = waits ? "waits_for_approval" : "started";
    schedule.outcome_message = waits ? "approve it with `rolesync job approve " + job.id + "`"
                                     : job.id + " with " + std::to_string(tasks.size()) + " tasks";
    schedule.outcome_at = now;
    return store::save_schedule_run(session, schedule, before.considered_at);
  };
  const auto opened = parts_.desk.open(order);
  if (!opened) {
    schedule = before;
    const Error& error = opened.error();
    if (error.reason == "frozen") return finish(table, now, "waits_for_freeze", error.message);
    schedule.due_at.reset();
    return finish(table, now, "failed", error.text());
  }
  parts_.events.publish({.type = "schedule_changed",
                         .message = "schedule " + schedule.name +
                                    (opened->waits ? " asks for approval of " : " has started ") +
                                    opened->job_id,
                         .job = opened->job_id,
                         .state = schedule.outcome,
                         .request_id = asker.request_id});
  if (opened->waits) return;
  // The job is durable; if it cannot be begun now, the next start of the server resumes it.
  if (Status begun = parts_.runner.begin(opened->job_id); !begun) {
    spdlog::error("schedule={} job={} not begun: {}", schedule.name, opened->job_id,
                  begun.error().text());
  }
}

void Scheduler::finish(Timetable& table, Millis now, const std::string& outcome,
                       const std::string& message) {
  store::Schedule& schedule = table.schedule;
  const bool news =
      schedule.outcome != outcome || schedule.outcome_message != message || !schedule.due_at;
  if (!news) return;  // it waits as it did before
  schedule.outcome = outcome;
  schedule.outcome_message = message;
  schedule.outcome_at = now;
  if (!save(table, schedule.considered_at)) return;
  parts_.events.publish({.type = "schedule_changed",
                         .message = "schedule " + schedule.name + ": " + outcome + ", " + message,
                         .state = outcome,
                         .reason = outcome});
}

Status Scheduler::save(Timetable& table, Millis considered_before) {
  Status saved = parts_.store.write([&](store::Session& session) {
    return store::save_schedule_run(session, table.schedule, considered_before);
  });
  if (!saved) {
    spdlog::warn("schedule={} not written: {}", table.schedule.name, saved.error().text());
    stale_ = true;  // read again what is there now
  }
  return saved;
}

Result<store::Schedule> Scheduler::run_now(const std::string& name, const std::string& requested_by,
                                           const std::string& request_id) {
  const std::lock_guard lock(mutex_);
  const auto schedule = parts_.store.read(
      [&](store::Session& session) { return store::find_schedule(session, name); });
  if (!schedule) return schedule.error();
  auto table = timetable(*schedule);
  if (!table) return table.error();
  table->schedule.due_at.reset();
  run(*table, now_millis(), {requested_by, request_id});
  stale_ = true;
  return table->schedule;
}

Status check_timetable(const store::Schedule& schedule) {
  if (auto cron = domain::Cron::parse(schedule.cron); !cron) return cron.error();
  if (auto zone = domain::TimeZone::find(schedule.time_zone); !zone) return zone.error();
  for (const std::string& text : schedule.windows) {
    if (auto window = domain::parse_window(text); !window) return window.error();
  }
  return {};
}

}  // namespace rolesync::rollout
