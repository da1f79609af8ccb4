// SPDX-License-Identifier: Apache-2.0
#include "server/store/server_leases.hpp"

namespace rolesync::store {

Result<std::optional<ServerLease>> find_server_lease(Session& session, const std::string& name) {
  const auto rows =
      session.query("SELECT name, owner, fence, beat FROM server_leases WHERE name = ?", {name});
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<ServerLease>{};
  const Row& row = rows->front();
  return std::optional(ServerLease{row.text(0), row.text(1), row.integer(2), row.integer(3)});
}

Result<std::optional<ServerLease>> take_server_lease(Session& session, const std::string& name,
                                                     const std::string& owner,
                                                     const std::optional<ServerLease>& seen) {
  ServerLease lease{name, owner, seen ? seen->fence + 1 : 1, seen ? seen->beat + 1 : 1};
  const auto taken = seen ? session.execute(
                                "UPDATE server_leases SET owner = ?, fence = ?, beat = ? "
                                "WHERE name = ? AND fence = ? AND beat = ?",
                                {owner, lease.fence, lease.beat, name, seen->fence, seen->beat})
                          : session.execute(
                                "INSERT INTO server_leases (name, owner, fence, beat) "
                                "VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
                                {name, owner, lease.fence, lease.beat});
  if (!taken) return taken.error();
  if (*taken == 0) return std::optional<ServerLease>{};
  return std::optional(lease);
}

Result<bool> renew_server_lease(Session& session, const ServerLease& lease) {
  const auto renewed = session.execute(
      "UPDATE server_leases SET beat = beat + 1 WHERE name = ? AND fence = ? AND owner = ?",
      {lease.name, lease.fence, lease.owner});
  if (!renewed) return renewed.error();
  return *renewed > 0;
}

Status give_up_server_lease(Session& session, const ServerLease& lease) {
  return status_of(
      session.execute("UPDATE server_leases SET owner = '' WHERE name = ? AND fence = ?",
                      {lease.name, lease.fence}));
}

}  // namespace rolesync::store
