// SPDX-License-Identifier: Apache-2.0
#include "server/store/held_contents.hpp"

namespace rolesync::store {

Status hold_content(Session& session, const HeldContent& held) {
  return status_of(session.execute(
      "INSERT INTO held_contents (role, content_id, commit_id, reason, message, job_id, held_at) "
      "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (role, content_id) DO UPDATE SET "
      "commit_id = excluded.commit_id, reason = excluded.reason, message = excluded.message, "
      "job_id = excluded.job_id, held_at = excluded.held_at",
      {held.role, held.content_id, held.commit, held.reason, held.message, held.job_id,
       held.held_at}));
}

Result<std::vector<HeldContent>> held_contents(Session& session) {
  return each_row<HeldContent>(
      session.query("SELECT role, content_id, commit_id, reason, message, job_id, held_at "
                    "FROM held_contents ORDER BY held_at DESC, role, content_id"),
      [](const Row& row) {
        return HeldContent{row.text(0), row.text(1), row.text(2),   row.text(3),
                           row.text(4), row.text(5), row.integer(6)};
      });
}

Status release_contents(Session& session, const std::string& role) {
  return changed_row(session.execute("DELETE FROM held_contents WHERE role = ?", {role}),
                     "nothing_held", "no content of role \"" + role + "\" is held");
}

}  // namespace rolesync::store
