// SPDX-License-Identifier: Apache-2.0
// How a sync is to be rolled out, as a request says it. One thread.
#pragma once
#include "server/api/body.hpp"
#include "server/rollout/job_desk.hpp"

namespace rolesync::api {

// The fields on_failure and rollout; what is wrong with them becomes faults of `fields`.
void take_rollout(Fields& fields, rollout::JobOptions& options);

}  // namespace rolesync::api
