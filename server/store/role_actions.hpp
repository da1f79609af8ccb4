// SPDX-License-Identifier: Apache-2.0
// Restarts, starts and stops of one role on one node that belong to no sync: what was ordered and
// how it came out. Called inside Store::write or read.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "host/values/timestamp.hpp"
#include "server/store/page.hpp"

namespace rolesync::store {

struct RoleAction {
  std::string id, node, role;
  std::string action;             // restart, start, stop
  std::string state = "pending";  // pending, restarting, checking, succeeded, failed
  std::string step, reason, message;
  std::int64_t fence = 0;
  std::int64_t sequence = -1;  // of the last event that was taken over
  std::string requested_by, request_id;
  Millis created_at = 0;
  std::optional<Millis> started_at, finished_at;
};

Status add_role_action(Session& session, const RoleAction& action);
Result<RoleAction> find_role_action(Session& session, const std::string& id);  // unknown_action
Result<std::vector<RoleAction>> open_role_actions(Session& session);           // oldest first
// Sorted by created_at.
const ListColumns& role_action_list();
Result<Listed<RoleAction>> list_role_actions(Session& session, const Page& page);
// Writes state, step, reason, message, sequence and the times.
Status save_role_action(Session& session, const RoleAction& action);
Status forget_role_actions(Session& session, Millis finished_before);

}  // namespace rolesync::store
