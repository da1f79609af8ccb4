// SPDX-License-Identifier: Apache-2.0
// What operators want of a job that another server runs. Called inside Store::write or read.
#pragma once
#include <string>
#include <vector>

#include "host/values/timestamp.hpp"
#include "server/store/session.hpp"

namespace rolesync::store {

struct JobWish {
  std::string id, job_id, kind, node;
  Millis created_at = 0;
};

// And tells the server that runs the job. not_found/unknown_job, conflict/job_ended.
Status add_job_wish(Session& session, const JobWish& wish);
Result<std::vector<JobWish>> wishes_of_job(Session& session,
                                           const std::string& job_id);  // oldest first
Status drop_job_wish(Session& session, const std::string& id);

}  // namespace rolesync::store
