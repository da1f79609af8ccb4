// SPDX-License-Identifier: Apache-2.0
// Starts the syncs of schedules. A time that has come is made durable before anything is begun, and
// the job is written in the same transaction as the schedule that it came from, so every time has
// at most one run, also across restarts and with several servers on one database. Any thread.
//
// What becomes of a run is the schedule's outcome: started, nothing_to_do, waits_for_window,
// waits_for_freeze, waits_for_approval, overlaps, failed.
#pragma once
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "server/domain/schedule.hpp"
#include "server/rollout/event_log.hpp"
#include "server/rollout/job_desk.hpp"
#include "server/rollout/job_runner.hpp"
#include "server/rollout/plan_desk.hpp"
#include "server/store/schedules.hpp"

namespace rolesync::rollout {

class Scheduler {
 public:
  struct Parts {
    store::Store& store;
    PlanDesk& plans;
    JobDesk& desk;
    JobRunner& runner;
    NodeRegistry& nodes;
    EventLog& events;
  };
  explicit Scheduler(Parts parts) : parts_(parts) {}

  void tick(Millis now);
  // A schedule was made, changed or removed: read them again.
  void changed();

  // At once, in spite of its cron times and windows; freezes count. Returns the schedule with its
  // outcome. Errors: unknown_schedule, invalid_cron ...
  Result<store::Schedule> run_now(const std::string& name, const std::string& requested_by,
                                  const std::string& request_id);

 private:
  struct Timetable {
    store::Schedule schedule;
    domain::Cron cron;
    domain::TimeZone zone;
    std::vector<domain::MaintenanceWindow> windows;
    Millis look_at = 0;  // nothing happens before
  };
  struct Asker {
    std::string by, request_id;
  };
  static Result<Timetable> timetable(const store::Schedule& schedule);
  void load(Millis now);
  void look(Timetable& table, Millis now);
  void close_window(const Timetable& table, Millis now);
  void run(Timetable& table, Millis now, const Asker& asker);
  std::optional<std::string> running_job(const store::Schedule& schedule) const;
  PlanRequest plan_request(const store::Schedule& schedule) const;
  void start(Timetable& table, const std::string& plan_hash, Millis now, const Asker& asker);
  void finish(Timetable& table, Millis now, const std::string& outcome, const std::string& message);
  Status save(Timetable& table, Millis considered_before);

  const Parts parts_;
  std::mutex mutex_;
  bool stale_ = true;
  std::map<std::string, Timetable> tables_;
};

// The times, zone and windows of a schedule, checked. Errors: invalid_cron, unknown_time_zone,
// invalid_window.
Status check_timetable(const store::Schedule& schedule);

}  // namespace rolesync::rollout
