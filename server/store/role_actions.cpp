// SPDX-License-Identifier: Apache-2.0
#include "server/store/role_actions.hpp"

namespace rolesync::store {
namespace {

constexpr const char* columns =
    "SELECT id, node, role, action, state, step, reason, message, fence, sequence, requested_by, "
    "request_id, created_at, started_at, finished_at FROM role_actions ";

RoleAction action_of(const Row& row) {
  RoleAction action;
  action.id = row.text(0);
  action.node = row.text(1);
  action.role = row.text(2);
  action.action = row.text(3);
  action.state = row.text(4);
  action.step = row.text(5);
  action.reason = row.text(6);
  action.message = row.text(7);
  action.fence = row.integer(8);
  action.sequence = row.integer(9);
  action.requested_by = row.text(10);
  action.request_id = row.text(11);
  action.created_at = row.integer(12);
  action.started_at = row.optional_integer(13);
  action.finished_at = row.optional_integer(14);
  return action;
}

}  // namespace

Status add_role_action(Session& session, const RoleAction& action) {
  const auto added = session.execute(
      "INSERT INTO role_actions (id, node, role, action, state, step, reason, message, fence, "
      "sequence, requested_by, request_id, created_at) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {action.id, action.node, action.role, action.action, action.state, action.step, action.reason,
       action.message, action.fence, action.sequence, action.requested_by, action.request_id,
       action.created_at});
  return added ? session.tell("action", action.id) : Status{added.error()};
}

Result<RoleAction> find_role_action(Session& session, const std::string& id) {
  const auto row = first_row(session.query(std::string(columns) + "WHERE id = ?", {id}),
                             "unknown_action", "there is no action \"" + id + "\"");
  if (!row) return row.error();
  return action_of(*row);
}

Result<std::vector<RoleAction>> open_role_actions(Session& session) {
  return each_row<RoleAction>(
      session.query(std::string(columns) + "WHERE finished_at IS NULL ORDER BY created_at, id"),
      action_of);
}

const ListColumns& role_action_list() {
  using Kind = FilterColumn::Kind;
  static const ListColumns list{"id",
                                {{"created_at", "created_at", true}},
                                {{"node", "node = ?", Kind::name},
                                 {"role", "role = ?", Kind::name},
                                 {"action", "action = ?"},
                                 {"state", "state = ?"}}};
  return list;
}

Result<Listed<RoleAction>> list_role_actions(Session& session, const Page& page) {
  return list_page<RoleAction>(session, columns, role_action_list(), page, action_of);
}

Status save_role_action(Session& session, const RoleAction& action) {
  const auto saved = session.execute(
      "UPDATE role_actions SET state = ?, step = ?, reason = ?, message = ?, sequence = ?, "
      "started_at = ?, finished_at = ? WHERE id = ? AND finished_at IS NULL",
      {action.state, action.step, action.reason, action.message, action.sequence, action.started_at,
       action.finished_at, action.id});
  if (!saved) return saved.error();
  if (*saved > 0) return session.tell("action", action.id);
  return Error{ErrorKind::conflict, "action_ended", "action " + action.id + " has ended already"};
}

Status forget_role_actions(Session& session, Millis finished_before) {
  return status_of(
      session.execute("DELETE FROM role_actions WHERE finished_at < ?", {finished_before}));
}

}  // namespace rolesync::store
