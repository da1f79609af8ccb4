// SPDX-License-Identifier: Apache-2.0
// What one server does for all of those on a database, by name: whoever holds the lease moves its
// beat on; another may take it when the beat stands still. Called inside Store::write or read.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "server/store/session.hpp"

namespace rolesync::store {

struct ServerLease {
  std::string name, owner;
  std::int64_t fence = 0, beat = 0;
};

Result<std::optional<ServerLease>> find_server_lease(Session& session, const std::string& name);
// Takes it, if it is still as `seen` (none: nobody has had it). The new lease, or nothing.
Result<std::optional<ServerLease>> take_server_lease(Session& session, const std::string& name,
                                                     const std::string& owner,
                                                     const std::optional<ServerLease>& seen);
// False when somebody else has taken it.
Result<bool> renew_server_lease(Session& session, const ServerLease& lease);
// Others may take it at once.
Status give_up_server_lease(Session& session, const ServerLease& lease);

}  // namespace rolesync::store
