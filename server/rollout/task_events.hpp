// SPDX-License-Identifier: Apache-2.0
// Task events as an agent reports them, on their own or in a heartbeat, checked. Pure; any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/values/result.hpp"
#include "server/domain/report.hpp"
#include "server/domain/rollout.hpp"
#include "server/store/jobs.hpp"

namespace rolesync::rollout {

struct ReportedEvent {
  store::TaskEvent record;
  domain::TaskReport report;
  std::optional<domain::RoleReport> release;  // what is on the disk now, when the task says so
};

// The body of POST /api/nodes/{id}/task-events. Errors: invalid_json, invalid_task_event with the
// pointer.
Result<std::vector<ReportedEvent>> parse_task_events(std::string_view body, Millis received_at);

// The list alone, as a JSON text.
Result<std::vector<ReportedEvent>> parse_task_event_list(std::string_view list,
                                                         const std::string& boot_id,
                                                         Millis received_at);

}  // namespace rolesync::rollout
