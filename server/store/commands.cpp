// SPDX-License-Identifier: Apache-2.0
#include "server/store/commands.hpp"

namespace rolesync::store {
namespace {

constexpr const char* columns =
    "SELECT id, node, kind, boot_id, task_id, fence, payload, state, request_id, created_at, "
    "acknowledged_at FROM commands ";

CommandRecord command_of(const Row& row) {
  CommandRecord command;
  command.id = row.text(0);
  command.node = row.text(1);
  command.kind = row.text(2);
  command.boot_id = row.text(3);
  command.task_id = row.text(4);
  command.fence = row.integer(5);
  command.payload = row.text(6);
  command.state = row.text(7);
  command.request_id = row.text(8);
  command.created_at = row.integer(9);
  command.acknowledged_at = row.optional_integer(10);
  return command;
}

}  // namespace

Status add_command(Session& session, const CommandRecord& command) {
  const auto added = session.execute(
      "INSERT INTO commands (id, node, kind, boot_id, task_id, fence, payload, state, request_id, "
      "position, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, "
      "(SELECT COALESCE(MAX(position), 0) + 1 FROM commands), ?)",
      {command.id, command.node, command.kind, command.boot_id, command.task_id, command.fence,
       command.payload, command.state, command.request_id, command.created_at});
  return added ? session.tell("commands", command.node) : Status{added.error()};
}

Result<CommandRecord> find_command(Session& session, const std::string& id) {
  const auto row = first_row(session.query(std::string(columns) + "WHERE id = ?", {id}),
                             "unknown_command", "there is no command \"" + id + "\"");
  if (!row) return row.error();
  return command_of(*row);
}

Result<std::vector<CommandRecord>> open_commands(Session& session) {
  return each_row<CommandRecord>(
      session.query(std::string(columns) + "WHERE state = 'open' ORDER BY position"), command_of);
}

Result<std::vector<CommandRecord>> open_commands_of(Session& session, const std::string& node) {
  return each_row<CommandRecord>(
      session.query(std::string(columns) + "WHERE state = 'open' AND node = ? ORDER BY position",
                    {node}),
      command_of);
}

Result<std::size_t> acknowledge_commands(Session& session, const std::string& node,
                                         const std::vector<std::string>& ids, Millis at) {
  std::size_t acknowledged = 0;
  for (const std::string& id : ids) {
    const auto changed = session.execute(
        "UPDATE commands SET state = 'acknowledged', acknowledged_at = ? "
        "WHERE id = ? AND node = ? AND state = 'open'",
        {at, id, node});
    if (!changed) return changed.error();
    acknowledged += *changed;
  }
  if (acknowledged > 0) {
    if (Status told = session.tell("commands", node); !told) return told.error();
  }
  return acknowledged;
}

Status withdraw_commands_of_task(Session& session, const std::string& task_id, Millis at) {
  const auto nodes = session.query(
      "UPDATE commands SET state = 'withdrawn', acknowledged_at = ? "
      "WHERE task_id = ? AND state = 'open' RETURNING node",
      {at, task_id});
  if (!nodes) return nodes.error();
  for (const Row& node : *nodes) {
    if (Status told = session.tell("commands", node.text(0)); !told) return told;
  }
  return {};
}

Status withdraw_commands_of_node(Session& session, const std::string& node, Millis at) {
  return status_of(
      session.execute("UPDATE commands SET state = 'withdrawn', acknowledged_at = ? "
                      "WHERE node = ? AND state = 'open'",
                      {at, node}));
}

Status withdraw_commands_of_other_boots(Session& session, const std::string& node,
                                        const std::string& boot_id, Millis at) {
  return status_of(
      session.execute("UPDATE commands SET state = 'withdrawn', acknowledged_at = ? "
                      "WHERE node = ? AND boot_id <> '' AND boot_id <> ? AND state = 'open'",
                      {at, node, boot_id}));
}

Status forget_commands(Session& session, Millis acknowledged_before) {
  return status_of(session.execute(
      "DELETE FROM commands WHERE state <> 'open' AND acknowledged_at < ?", {acknowledged_before}));
}

}  // namespace rolesync::store
