// SPDX-License-Identifier: Apache-2.0
// The body of POST /api/nodes/{id}/task-events, checked. Pure; any thread.
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

// Errors: invalid_json, invalid_task_event with the pointer.
Result<std::vector<ReportedEvent>> parse_task_events(std::string_view body, Millis received_at);

}  // namespace rolesync::rollout
