// SPDX-License-Identifier: Apache-2.0
// Restarts, starts and stops of a role on a node without a sync: checked and written here, done by
// the node's agent under a fence as syncs are, ended here with a named cause when the agent does
// not. What was ordered survives a restart of the server. Any thread.
#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "server/domain/rollout.hpp"
#include "server/rollout/commands.hpp"
#include "server/rollout/event_log.hpp"
#include "server/rollout/heartbeats.hpp"
#include "server/rollout/node_registry.hpp"
#include "server/rollout/role_catalog.hpp"
#include "server/rollout/task_events.hpp"
#include "server/store/role_actions.hpp"
#include "server/store/store.hpp"

namespace rolesync::rollout {

struct RoleActionOrder {
  std::string node, role, action;
  std::string requested_by, request_id;
  // In the transaction: the id of an earlier action of the same request, and what is kept besides.
  std::function<Result<std::optional<std::string>>(store::Session&)> earlier;
  std::function<Status(store::Session&, const store::RoleAction&)> keep;
};

class RoleActions {
 public:
  RoleActions(store::Store& store, Commands& commands, NodeRegistry& nodes, RoleCatalog& catalog,
              Heartbeats& heartbeats, EventLog& events, domain::RolloutLimits limits);

  Status load();
  // The action's id. Errors: not_found/unknown_node, unknown_role; conflict/role_unusable,
  // role_not_on_node, role_not_installed, no_service, sync_in_progress, action_in_progress;
  // unavailable/node_offline.
  Result<std::string> open(const RoleActionOrder& order);
  // What agents report about tasks is about actions when it says so.
  static bool is_action(const std::string& task_id) { return task_id.starts_with("act_"); }
  // As JobRunner::report, of events about actions.
  Status report(const std::string& node, const std::vector<ReportedEvent>& events);
  // Time passes: what a node does not end is ended here.
  void tick();
  // Another server has changed this one.
  void action_told(const std::string& id);

 private:
  Result<Role> check(const RoleActionOrder& order) const;
  Status write_new(store::Session& session, const RoleActionOrder& order, const Role& role,
                   store::RoleAction& action, store::CommandRecord& command) const;
  void tell(const store::RoleAction& action);

  store::Store& store_;
  Commands& commands_;
  NodeRegistry& nodes_;
  RoleCatalog& catalog_;
  Heartbeats& heartbeats_;
  EventLog& events_;
  const domain::RolloutLimits limits_;
  std::mutex mutex_;
  std::map<std::string, store::RoleAction> open_;  // those that have not ended
};

}  // namespace rolesync::rollout
