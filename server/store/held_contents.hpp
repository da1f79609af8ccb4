// SPDX-License-Identifier: Apache-2.0
// Contents that broke a rollout of their role: automatic runs leave them out until somebody lets
// them go. Called inside Store::write or read.
#pragma once
#include <string>
#include <vector>

#include "host/values/timestamp.hpp"
#include "server/store/session.hpp"

namespace rolesync::store {

struct HeldContent {
  std::string role, content_id, commit, reason, message, job_id;
  Millis held_at = 0;
};

// Held already: the newer job is kept.
Status hold_content(Session& session, const HeldContent& held);
Result<std::vector<HeldContent>> held_contents(Session& session);  // newest first
// All of a role. not_found/nothing_held.
Status release_contents(Session& session, const std::string& role);

}  // namespace rolesync::store
