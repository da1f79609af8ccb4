// SPDX-License-Identifier: Apache-2.0
// What an agent is told to do. A command is offered until its id is acknowledged. Called inside
// Store::write or read.
#pragma once
#include <string>
#include <vector>

#include "host/values/timestamp.hpp"
#include "server/store/session.hpp"

namespace rolesync::store {

struct CommandRecord {
  std::string id, node, kind;
  std::string boot_id;  // only for that boot of the agent; empty: any
  std::string task_id;  // empty: belongs to no task
  std::int64_t fence = 0;
  std::string payload = "{}";  // JSON
  std::string state = "open";  // open | acknowledged | withdrawn
  std::string request_id;
  Millis created_at = 0;
  std::optional<Millis> acknowledged_at;
};

Status add_command(Session& session, const CommandRecord& command);
Result<CommandRecord> find_command(Session& session, const std::string& id);
Result<std::vector<CommandRecord>> open_commands(Session& session);  // oldest first, all nodes
Result<std::vector<CommandRecord>> open_commands_of(Session& session, const std::string& node);
// Ids of other nodes, unknown ids and repeated ones are ignored; returns how many were open.
Result<std::size_t> acknowledge_commands(Session& session, const std::string& node,
                                         const std::vector<std::string>& ids, Millis at);
Status withdraw_commands_of_task(Session& session, const std::string& task_id, Millis at);
Status withdraw_commands_of_node(Session& session, const std::string& node, Millis at);
// Those made for another boot of the node than this one cannot be delivered any more.
Status withdraw_commands_of_other_boots(Session& session, const std::string& node,
                                        const std::string& boot_id, Millis at);
Status forget_commands(Session& session, Millis acknowledged_before);

}  // namespace rolesync::store
