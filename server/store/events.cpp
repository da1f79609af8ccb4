// SPDX-License-Identifier: Apache-2.0
#include "server/store/events.hpp"

namespace rolesync::store {
namespace {

constexpr const char* columns =
    "SELECT sequence, at, kind, node, role, job, task, source, data, request_id FROM events ";

EventRecord event_of(const Row& row) {
  return {row.integer(0), row.integer(1), row.text(2), row.text(3), row.text(4),
          row.text(5),    row.text(6),    row.text(7), row.text(8), row.text(9)};
}

}  // namespace

Result<std::int64_t> append_event(Session& session, const EventRecord& event) {
  // Counted apart from the table, so that a number is not given twice after old ones were
  // forgotten.
  const auto rows =
      session.query("UPDATE event_position SET last = last + 1 WHERE one = 1 RETURNING last");
  if (!rows) return rows.error();
  const std::int64_t sequence = rows->at(0).integer(0);
  const auto added = session.execute(
      "INSERT INTO events (sequence, at, kind, node, role, job, task, source, data, request_id) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {sequence, event.at, event.kind, event.node, event.role, event.job, event.task, event.source,
       event.data, event.request_id});
  if (!added) return added.error();
  return sequence;
}

Result<std::vector<EventRecord>> events_after(Session& session, std::int64_t sequence, int limit) {
  return each_row<EventRecord>(
      session.query(std::string(columns) + "WHERE sequence > ? ORDER BY sequence LIMIT ?",
                    {sequence, limit}),
      event_of);
}

const ListColumns& event_list() {
  using Kind = FilterColumn::Kind;
  static const ListColumns list{"sequence",
                                {{"id", "sequence", true}},
                                {{"type", "kind = ?"},
                                 {"node", "node = ?", Kind::name},
                                 {"role", "role = ?", Kind::name},
                                 {"job", "job = ?"},
                                 {"task", "task = ?"},
                                 {"source", "source = ?", Kind::name},
                                 {"since", "at >= ?", Kind::time},
                                 {"until", "at < ?", Kind::time}}};
  return list;
}

Result<Listed<EventRecord>> list_events(Session& session, const Page& page) {
  return list_page<EventRecord>(session, columns, event_list(), page, event_of);
}

Result<std::int64_t> last_event(Session& session) {
  const auto rows = session.query("SELECT last FROM event_position WHERE one = 1");
  if (!rows) return rows.error();
  return rows->at(0).integer(0);
}

Result<std::int64_t> first_event(Session& session) {
  const auto rows = session.query("SELECT MIN(sequence) FROM events");
  if (!rows) return rows.error();
  return rows->at(0).integer(0);
}

Result<std::int64_t> last_event_before(Session& session, Millis at) {
  // Clocks may have been put back: what is younger, and all after it, stays.
  const auto rows = session.query(
      "SELECT COALESCE((SELECT MIN(sequence) - 1 FROM events WHERE at >= ?), "
      "(SELECT MAX(sequence) FROM events), 0)",
      {at});
  if (!rows) return rows.error();
  return rows->at(0).integer(0);
}

Status forget_events(Session& session, std::int64_t up_to_sequence) {
  return status_of(session.execute("DELETE FROM events WHERE sequence <= ?", {up_to_sequence}));
}

}  // namespace rolesync::store
