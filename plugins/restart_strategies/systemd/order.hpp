// SPDX-License-Identifier: Apache-2.0
// What a role's options ask of its units, checked. Plain values; any thread.
#pragma once
#include <chrono>
#include <rolesync/restart_strategy.hpp>
#include <string>
#include <vector>

namespace systemd_strategy {

enum class Action { restart, reload, reload_or_restart, try_restart };

struct Order {
  std::vector<std::string> units;  // "name", or "user:NAME/name"
  std::string all_of;              // "name@": instead of `units`, all that there are of it
  Action action = Action::restart;
  int timeout_seconds = 90;
  std::chrono::seconds settle{3};
};

// Throws Error{invalid}: no_service, invalid_option.
Order read_order(const rolesync::RoleData& role, const rolesync::Options& options);

}  // namespace systemd_strategy
