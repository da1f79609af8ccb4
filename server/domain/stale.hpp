// SPDX-License-Identifier: Apache-2.0
// Whether an approved row still describes what would happen, and if not, what changed. Pure.
#pragma once
#include <optional>
#include <string>

#include "server/domain/plan.hpp"

namespace rolesync::domain {

// One sentence per difference that matters, or nothing when the row holds. `now`: the same row made
// again with the approved target, nullptr when the role does not count on the node any more.
std::optional<std::string> what_changed(const PlanRow& approved, const PlanRow* now);

}  // namespace rolesync::domain
