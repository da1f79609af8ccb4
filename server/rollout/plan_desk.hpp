// SPDX-License-Identifier: Apache-2.0
// Makes plans and keeps each by its hash, so that it can be run later exactly as it was shown. Any
// thread.
#pragma once
#include <string>

#include "server/rollout/planner.hpp"
#include "server/store/store.hpp"

namespace rolesync::rollout {

class PlanDesk {
 public:
  PlanDesk(store::Store& store, Planner& planner) : store_(store), planner_(planner) {}

  struct Kept {
    domain::Plan plan;
    Millis created_at = 0;
  };
  // Errors: those of Planner::plan() and of the store.
  Result<Kept> make(const PlanRequest& asked, const std::string& by,
                    const std::string& request_id) const;

 private:
  store::Store& store_;
  Planner& planner_;
};

}  // namespace rolesync::rollout
