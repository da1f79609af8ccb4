// SPDX-License-Identifier: Apache-2.0
#include "server/store/schedules.hpp"

#include "server/store/version_check.hpp"

namespace rolesync::store {
namespace {

constexpr const char* columns =
    "SELECT name, cron, time_zone, windows, target_roles, target_nodes, target_labels, options, "
    "approval, on_window_close, enabled, version, considered_at, due_at, outcome, "
    "outcome_message, outcome_at, last_plan, last_job, updated_by, updated_at "
    "FROM update_schedules ";

Schedule schedule_of(const Row& row) {
  Schedule schedule;
  schedule.name = row.text(0);
  schedule.cron = row.text(1);
  schedule.time_zone = row.text(2);
  schedule.windows = words_from_json(row.text(3));
  schedule.roles = words_from_json(row.text(4));
  schedule.nodes = words_from_json(row.text(5));
  schedule.labels = labels_from_json(row.text(6));
  schedule.options = row.text(7);
  schedule.approval = row.text(8);
  schedule.on_window_close = row.text(9);
  schedule.enabled = row.boolean(10);
  schedule.version = row.integer(11);
  schedule.considered_at = row.integer(12);
  schedule.due_at = row.optional_integer(13);
  schedule.outcome = row.text(14);
  schedule.outcome_message = row.text(15);
  schedule.outcome_at = row.optional_integer(16);
  schedule.last_plan = row.text(17);
  schedule.last_job = row.text(18);
  schedule.updated_by = row.text(19);
  schedule.updated_at = row.integer(20);
  return schedule;
}

std::string unknown(const std::string& name) {
  return "there is no schedule \"" + name + "\"";
}

Result<std::vector<Schedule>> select(Session& session, const std::string& name) {
  return each_row<Schedule>(session.query(std::string(columns) + "WHERE name = ?", {name}),
                            schedule_of);
}

Status insert(Session& session, const Schedule& schedule) {
  return status_of(session.execute(
      "INSERT INTO update_schedules (name, cron, time_zone, windows, target_roles, target_nodes, "
      "target_labels, options, approval, on_window_close, enabled, version, considered_at, "
      "updated_by, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?)",
      {schedule.name, schedule.cron, schedule.time_zone, words_to_json(schedule.windows),
       words_to_json(schedule.roles), words_to_json(schedule.nodes),
       labels_to_json(schedule.labels), schedule.options, schedule.approval,
       schedule.on_window_close, schedule.enabled, schedule.updated_at, schedule.updated_by,
       schedule.updated_at}));
}

Status update(Session& session, const Schedule& schedule, const Schedule& before) {
  // Times that the old definition named, or that passed while it was paused, are not made up for.
  const bool starts_anew = schedule.cron != before.cron || schedule.time_zone != before.time_zone ||
                           schedule.enabled != before.enabled;
  return status_of(session.execute(
      "UPDATE update_schedules SET cron = ?, time_zone = ?, windows = ?, target_roles = ?, "
      "target_nodes = ?, target_labels = ?, options = ?, approval = ?, on_window_close = ?, "
      "enabled = ?, version = version + 1, considered_at = ?, due_at = ?, updated_by = ?, "
      "updated_at = ? WHERE name = ?",
      {schedule.cron, schedule.time_zone, words_to_json(schedule.windows),
       words_to_json(schedule.roles), words_to_json(schedule.nodes),
       labels_to_json(schedule.labels), schedule.options, schedule.approval,
       schedule.on_window_close, schedule.enabled,
       starts_anew ? schedule.updated_at : before.considered_at,
       starts_anew ? std::optional<Millis>() : before.due_at, schedule.updated_by,
       schedule.updated_at, schedule.name}));
}

}  // namespace

Result<Schedule> find_schedule(Session& session, const std::string& name) {
  auto found = select(session, name);
  if (!found) return found.error();
  if (!found->empty()) return std::move(found->front());
  return Error{ErrorKind::not_found, "unknown_schedule", unknown(name),
               "see GET /api/schedules for the schedules there are"};
}

Result<std::vector<Schedule>> list_schedules(Session& session) {
  return each_row<Schedule>(session.query(std::string(columns) + "ORDER BY name"), schedule_of);
}

const ListColumns& schedule_list() {
  using Kind = FilterColumn::Kind;
  static const ListColumns list{"name",
                                {{"name", "name"}},
                                {{"enabled", "enabled = ?", Kind::flag},
                                 {"approval", "approval = ?"},
                                 {"outcome", "outcome = ?"},
                                 {"role", "target_roles LIKE ?", Kind::name_in_list},
                                 {"node", "target_nodes LIKE ?", Kind::name_in_list}}};
  return list;
}

Result<Listed<Schedule>> list_schedules(Session& session, const Page& page) {
  return list_page<Schedule>(session, columns, schedule_list(), page, schedule_of);
}

Result<std::int64_t> save_schedule(Session& session, const Schedule& schedule,
                                   std::optional<std::int64_t> expected_version) {
  const auto before = select(session, schedule.name);
  if (!before) return before.error();
  const std::int64_t version = before->empty() ? 0 : before->front().version;
  Status same = check_version(expected_version, version, "schedule " + schedule.name);
  if (!same) return same.error();
  Status saved =
      before->empty() ? insert(session, schedule) : update(session, schedule, before->front());
  if (saved) saved = session.tell("schedules", schedule.name);
  if (!saved) return saved.error();
  return version + 1;
}

Status save_schedule_run(Session& session, const Schedule& schedule, Millis considered_before) {
  const auto changed = session.execute(
      "UPDATE update_schedules SET considered_at = ?, due_at = ?, outcome = ?, "
      "outcome_message = ?, outcome_at = ?, last_plan = ?, last_job = ? "
      "WHERE name = ? AND considered_at = ? AND version = ?",
      {schedule.considered_at, schedule.due_at, schedule.outcome, schedule.outcome_message,
       schedule.outcome_at, schedule.last_plan, schedule.last_job, schedule.name, considered_before,
       schedule.version});
  if (!changed) return changed.error();
  if (*changed > 0) return session.tell("schedules", schedule.name);
  return Error{ErrorKind::conflict, "schedule_moved_on",
               "schedule " + schedule.name + " was changed or has fired in the meantime"};
}

Status delete_schedule(Session& session, const std::string& name,
                       std::optional<std::int64_t> expected_version) {
  const auto found = find_schedule(session, name);
  if (!found) return found.error();
  if (Status same = check_version(expected_version, found->version, "schedule " + name); !same) {
    return same;
  }
  const auto gone = session.execute("DELETE FROM update_schedules WHERE name = ?", {name});
  return gone ? session.tell("schedules", name) : Status{gone.error()};
}

}  // namespace rolesync::store
