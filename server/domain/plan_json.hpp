// SPDX-License-Identifier: Apache-2.0
// A plan as JSON, in the API's shape: stored, shown, and read back when it is run. Pure.
#pragma once
#include <string>
#include <vector>

#include "host/values/json.hpp"
#include "server/domain/plan.hpp"

namespace rolesync::domain {

Json to_json(const PlanRow& row);
Json to_json(const Plan& plan);        // plan_hash, rows, files, changes, blocked
Json to_json(const Version& version);  // null when nothing

// The rows of a stored plan. invalid/plan_unreadable when they are not what to_json wrote.
Result<std::vector<PlanRow>> plan_rows_from_json(const Json& plan);

// Equal exactly when the rows are equal, warnings left out.
std::string plan_hash(const std::vector<PlanRow>& rows);

}  // namespace rolesync::domain
