// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/role_actions.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/role/role.hpp"
#include "host/values/json.hpp"
#include "host/values/secret.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/audit.hpp"
#include "server/store/commands.hpp"
#include "server/store/jobs.hpp"

namespace rolesync::rollout {
namespace {

Error unknown(const char* what, const std::string& id) {
  return {ErrorKind::not_found, std::string("unknown_") + what,
          std::string("there is no ") + what + " \"" + id + "\"",
          std::string("see GET /api/") + what + "s"};
}

// One apply at a time per node and role, and one action.
Status check_free(store::Session& session, const RoleActionOrder& order) {
  const auto tasks = store::open_tasks_of_node(session, order.node);
  if (!tasks) return tasks.error();
  for (const store::SyncTask& task : *tasks) {
    if (task.role != order.role) continue;
    return Error{ErrorKind::conflict, "sync_in_progress",
                 order.role + " on " + order.node + " is being synced by " + task.job_id,
                 "wait for that job, or cancel it"};
  }
  const auto open = store::open_role_actions(session);
  if (!open) return open.error();
  for (const store::RoleAction& action : *open) {
    if (action.node != order.node || action.role != order.role) continue;
    return Error{ErrorKind::conflict, "action_in_progress",
                 "a " + action.action + " of " + order.role + " on " + order.node +
                     " has not ended: " + action.id,
                 "wait for its end"};
  }
  return {};
}

}  // namespace

RoleActions::RoleActions(store::Store& store, Commands& commands, NodeRegistry& nodes,
                         RoleCatalog& catalog, Heartbeats& heartbeats, EventLog& events,
                         domain::RolloutLimits limits)
    : store_(store),
      commands_(commands),
      nodes_(nodes),
      catalog_(catalog),
      heartbeats_(heartbeats),
      events_(events),
      limits_(limits) {}

Status RoleActions::load() {
  auto open = store_.read([](store::Session& s) { return store::open_role_actions(s); });
  if (!open) return open.error();
  const std::lock_guard lock(mutex_);
  open_.clear();
  for (store::RoleAction& action : *open) open_.emplace(action.id, std::move(action));
  return {};
}

void RoleActions::action_told(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto action =
      store_.read([&](store::Session& s) { return store::find_role_action(s, id); });
  if (action && !action->finished_at) {
    open_.insert_or_assign(id, *action);
  } else {
    open_.erase(id);
  }
}

Result<Role> RoleActions::check(const RoleActionOrder& order) const {
  const NodePointer node = nodes_.find(order.node);
  if (!node) return unknown("node", order.node);
  const auto catalog = catalog_.get();
  const CatalogRole* known = catalog->find(order.role);
  if (!known) return unknown("role", order.role);
  if (!known->effective) {
    return Error{ErrorKind::conflict, "role_unusable",
                 "role " + order.role + " cannot be used: " + known->error->message,
                 known->error->hint};
  }
  const auto counting = heartbeats_.effective_roles(*node);
  if (std::find(counting.begin(), counting.end(), order.role) == counting.end()) {
    return Error{ErrorKind::conflict, "role_not_on_node",
                 "node " + order.node + " does not have the role " + order.role,
                 "see GET /api/nodes/" + order.node + "/roles"};
  }
  const auto report = node->parts->reports.find(order.role);
  if (report == node->parts->reports.end() ||
      (!report->second.installed() && report->second.state == "not_installed")) {
    return Error{ErrorKind::conflict, "role_not_installed",
                 "role " + order.role + " is not installed on " + order.node, "sync it first"};
  }
  const Role& role = known->effective->role;
  if (role.systemd_service.empty() && role.restart_options.empty()) {
    return Error{ErrorKind::conflict, "no_service",
                 "nothing runs for role " + order.role + ": it names no service",
                 "give it systemd_service, or a restart_strategy with restart_options"};
  }
  if (node->presence == "offline") {
    return Error{ErrorKind::unavailable, "node_offline", "node " + order.node + " is offline",
                 "start its agent"};
  }
  return role;
}

Status RoleActions::write_new(store::Session& session, const RoleActionOrder& order,
                              const Role& role, store::RoleAction& action,
                              store::CommandRecord& command) const {
  if (Status free = check_free(session, order); !free) return free;
  const auto fence = store::next_fence(session, order.node, order.role);
  if (!fence) return fence.error();
  action.fence = command.fence = *fence;
  command.payload =
      to_text({{"task_id", action.id}, {"action", action.action}, {"role", role_to_json(role)}});
  if (Status added = store::add_role_action(session, action); !added) return added;
  if (Status added = store::add_command(session, command); !added) return added;
  store::AuditEntry entry;
  entry.at = action.created_at;
  entry.actor = order.requested_by;
  entry.action = "role." + order.action;
  entry.subject = "node/" + order.node + "/role/" + order.role;
  entry.details = to_text({{"action_id", action.id}});
  entry.request_id = order.request_id;
  if (const auto audited = store::append_audit(session, entry); !audited) return audited.error();
  return order.keep ? order.keep(session, action) : Status{};
}

Result<std::string> RoleActions::open(const RoleActionOrder& order) {
  if (order.earlier) {
    const auto earlier = store_.read(order.earlier);
    if (!earlier) return earlier.error();
    if (*earlier) return **earlier;
  }
  const auto role = check(order);
  if (!role) return role.error();
  store::RoleAction action;
  action.id = "act_" + random_hex(16);
  action.node = order.node;
  action.role = order.role;
  action.action = order.action;
  action.requested_by = order.requested_by;
  action.request_id = order.request_id;
  action.created_at = now_millis();
  store::CommandRecord command;
  command.id = "cmd_" + action.id;
  command.node = order.node;
  command.kind = "control";
  command.task_id = action.id;
  command.request_id = order.request_id;
  command.created_at = action.created_at;

  const std::lock_guard lock(mutex_);
  const auto id = store_.write([&](store::Session& session) -> Result<std::string> {
    if (order.earlier) {
      const auto earlier = order.earlier(session);
      if (!earlier) return earlier.error();
      if (*earlier) return **earlier;
    }
    if (Status written = write_new(session, order, *role, action, command); !written) {
      return written.error();
    }
    return action.id;
  });
  if (!id || *id != action.id) return id;
  open_.emplace(action.id, action);
  commands_.announce({command});
  tell(action);
  return id;
}

Status RoleActions::report(const std::string& node, const std::vector<ReportedEvent>& events) {
  if (store_.shared()) {
    // It may be another server's, whose word has not come yet.
    for (const ReportedEvent& event : events) action_told(event.record.task_id);
  }
  const std::lock_guard lock(mutex_);
  std::map<std::string, store::RoleAction> changed;
  for (const ReportedEvent& event : events) {
    const std::string& id = event.record.task_id;
    const auto known = open_.find(id);
    if (known == open_.end()) continue;  // it has ended
    if (known->second.node != node) {
      return Error{ErrorKind::denied, "task_of_other_node",
                   "action " + id + " belongs to another node", ""};
    }
    store::RoleAction& action = changed.try_emplace(id, known->second).first->second;
    if (action.finished_at || event.record.fence != action.fence ||
        event.record.sequence <= action.sequence) {
      continue;
    }
    action.sequence = event.record.sequence;
    action.state = event.record.state;
    action.step = event.record.step;
    action.reason = event.record.reason;
    action.message = event.record.message;
    if (!action.started_at) action.started_at = event.record.received_at;
    if (is_final(event.report.state)) action.finished_at = event.record.received_at;
  }
  if (changed.empty()) return {};
  Status written = store_.write([&](store::Session& session) -> Status {
    for (const auto& [id, action] : changed) {
      if (Status saved = store::save_role_action(session, action); !saved) return saved;
    }
    return {};
  });
  if (!written && written.error().reason == "action_ended") return {};  // another server was first
  if (!written) return written;
  for (auto& [id, action] : changed) {
    store::RoleAction& before = open_.at(id);
    const bool differs = before.state != action.state;
    before = action;
    if (differs) tell(action);
    if (action.finished_at) open_.erase(id);
  }
  return {};
}

void RoleActions::tick() {
  const std::lock_guard lock(mutex_);
  const Millis now = now_millis();
  std::vector<store::RoleAction> given_up;
  for (const auto& [id, action] : open_) {
    const Millis seen = std::max(nodes_.last_seen(action.node).value_or(0), action.created_at);
    const bool known = nodes_.find(action.node) != nullptr;
    const bool gone = !known || now - seen > limits_.node_gone;
    if (!gone && now - action.created_at <= limits_.activate) continue;
    store::RoleAction ended = action;
    ended.state = "failed";
    ended.reason = gone ? "node_gone" : "task_timeout";
    ended.message = gone ? "the node was not heard of while it had this to do"
                         : "the node is there but did not finish in time";
    ended.finished_at = now;
    given_up.push_back(std::move(ended));
  }
  for (const store::RoleAction& action : given_up) {
    const Status written = store_.write([&](store::Session& session) -> Status {
      if (Status saved = store::save_role_action(session, action); !saved) return saved;
      // A node that comes back must not be surprised by an order of hours ago.
      return store::withdraw_commands_of_task(session, action.id, now);
    });
    if (!written) {
      spdlog::error("action={} end not written: {}", action.id, written.error().text());
      continue;
    }
    commands_.forget_task(action.id);
    open_.erase(action.id);
    tell(action);
  }
}

void RoleActions::tell(const store::RoleAction& action) {
  events_.publish({.type = "role_action_changed",
                   .message = action.action + " of " + action.role + " on " + action.node + ": " +
                              action.state + (action.message.empty() ? "" : ": " + action.message),
                   .node = action.node,
                   .role = action.role,
                   .task = action.id,
                   .state = action.state,
                   .reason = action.reason,
                   .request_id = action.request_id});
}

}  // namespace rolesync::rollout
