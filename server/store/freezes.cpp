// SPDX-License-Identifier: Apache-2.0
#include "server/store/freezes.hpp"

namespace rolesync::store {
namespace {

constexpr const char* columns =
    "SELECT id, reason, starts_at, ends_at, roles, nodes, labels, created_by, created_at, "
    "lifted_by, lifted_at FROM freezes ";

Freeze freeze_of(const Row& row) {
  return {row.text(0),
          row.text(1),
          row.integer(2),
          row.optional_integer(3),
          words_from_json(row.text(4)),
          words_from_json(row.text(5)),
          labels_from_json(row.text(6)),
          row.text(7),
          row.integer(8),
          row.text(9),
          row.optional_integer(10)};
}

}  // namespace

Status add_freeze(Session& session, const Freeze& freeze) {
  return status_of(session.execute(
      "INSERT INTO freezes (id, reason, starts_at, ends_at, roles, nodes, labels, created_by, "
      "created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {freeze.id, freeze.reason, freeze.starts_at, freeze.ends_at, words_to_json(freeze.roles),
       words_to_json(freeze.nodes), labels_to_json(freeze.labels), freeze.created_by,
       freeze.created_at}));
}

const ListColumns& freeze_list() {
  using Kind = FilterColumn::Kind;
  static const ListColumns list{
      "id",
      {{"starts_at", "starts_at", true}, {"created_at", "created_at", true}},
      {{"created_by", "created_by = ?"},
       {"lifted", "(CASE WHEN lifted_at IS NULL THEN 0 ELSE 1 END) = ?", Kind::flag},
       {"role", "roles LIKE ?", Kind::name_in_list},
       {"node", "nodes LIKE ?", Kind::name_in_list}}};
  return list;
}

Result<Listed<Freeze>> list_freezes(Session& session, const Page& page) {
  return list_page<Freeze>(session, columns, freeze_list(), page, freeze_of);
}

Result<std::vector<Freeze>> open_freezes(Session& session, Millis now) {
  return each_row<Freeze>(
      session.query(std::string(columns) +
                        "WHERE lifted_at IS NULL AND (ends_at IS NULL OR ends_at > ?) "
                        "ORDER BY starts_at, id",
                    {now}),
      freeze_of);
}

Status lift_freeze(Session& session, const std::string& id, const std::string& by, Millis now) {
  const auto row = first_row(session.query(std::string(columns) + "WHERE id = ?", {id}),
                             "unknown_freeze", "there is no freeze \"" + id + "\"");
  if (!row) return row.error();
  const Freeze freeze = freeze_of(*row);
  if (freeze.lifted_at || (freeze.ends_at && *freeze.ends_at <= now)) {
    return Error{ErrorKind::conflict, "freeze_over",
                 freeze.lifted_at ? "the freeze was lifted by " + freeze.lifted_by
                                  : std::string("the freeze has ended"),
                 "see GET /api/freezes for those that count"};
  }
  return status_of(session.execute("UPDATE freezes SET lifted_by = ?, lifted_at = ? WHERE id = ?",
                                   {by, now, id}));
}

}  // namespace rolesync::store
