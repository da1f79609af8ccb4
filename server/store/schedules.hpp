// SPDX-License-Identifier: Apache-2.0
// Schedules: what an operator wrote, up to when each has been looked after, and what came of it.
// Called inside Store::write or read.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "host/values/timestamp.hpp"
#include "server/store/page.hpp"

namespace rolesync::store {

struct Schedule {
  std::string name, cron, time_zone;
  std::vector<std::string> windows;       // domain::parse_window; empty: at any time
  std::vector<std::string> roles, nodes;  // empty: all
  std::map<std::string, std::string> labels;
  std::string options = "{}";              // JSON: of the plan and of the job
  std::string approval = "automatic";      // automatic, required
  std::string on_window_close = "finish";  // finish, cancel
  bool enabled = true;
  std::int64_t version = 0;
  Millis considered_at = 0;      // its times up to here have fired or were made up for
  std::optional<Millis> due_at;  // fired, and waits for a window or the end of a freeze
  std::string outcome, outcome_message, last_plan, last_job;
  std::optional<Millis> outcome_at;
  std::string updated_by;
  Millis updated_at = 0;
};

Result<Schedule> find_schedule(Session& session, const std::string& name);  // unknown_schedule
Result<std::vector<Schedule>> list_schedules(Session& session);             // by name
// Sorted by name.
const ListColumns& schedule_list();
Result<Listed<Schedule>> list_schedules(Session& session, const Page& page);
// What an operator decides: everything up to `enabled`. Returns the new version. A new schedule,
// and one whose time or state changes, is considered up to `updated_at`. Errors:
// precondition/version_mismatch (0 stands for "does not exist").
Result<std::int64_t> save_schedule(Session& session, const Schedule& schedule,
                                   std::optional<std::int64_t> expected_version);
// What running it changes: considered_at, due_at, the outcome, last_plan and last_job. Error:
// conflict/schedule_moved_on when `considered_before` is not what stands there: somebody else has
// fired it.
Status save_schedule_run(Session& session, const Schedule& schedule, Millis considered_before);
Status delete_schedule(Session& session, const std::string& name,
                       std::optional<std::int64_t> expected_version);

}  // namespace rolesync::store
