// SPDX-License-Identifier: Apache-2.0
#include "server/store/job_wishes.hpp"

#include "server/store/jobs.hpp"

namespace rolesync::store {

Status add_job_wish(Session& session, const JobWish& wish) {
  const auto job = find_job(session, wish.job_id);
  if (!job) return job.error();
  if (job->finished_at) {
    return Error{ErrorKind::conflict, "job_ended", "job " + job->id + " is " + job->state, ""};
  }
  const auto added = session.execute(
      "INSERT INTO job_wishes (id, job_id, kind, node, created_at) VALUES (?, ?, ?, ?, ?)",
      {wish.id, wish.job_id, wish.kind, wish.node, wish.created_at});
  return added ? session.tell("job", wish.job_id) : Status{added.error()};
}

Result<std::vector<JobWish>> wishes_of_job(Session& session, const std::string& job_id) {
  return each_row<JobWish>(
      session.query("SELECT id, job_id, kind, node, created_at FROM job_wishes "
                    "WHERE job_id = ? ORDER BY created_at, id",
                    {job_id}),
      [](const Row& row) {
        return JobWish{row.text(0), row.text(1), row.text(2), row.text(3), row.integer(4)};
      });
}

Status drop_job_wish(Session& session, const std::string& id) {
  return status_of(session.execute("DELETE FROM job_wishes WHERE id = ?", {id}));
}

}  // namespace rolesync::store
