// SPDX-License-Identifier: Apache-2.0
// What nodes measured, as the store keeps it: the seed's map role -> commit, and releases. Any
// thread, inside Store::write.
#pragma once
#include <map>
#include <string>

#include "host/values/timestamp.hpp"
#include "server/domain/report.hpp"
#include "server/rollout/role_catalog.hpp"
#include "server/store/jobs.hpp"

namespace rolesync::rollout {

std::string role_versions(const std::map<std::string, domain::RoleReport>& reports);

// Writes the releases that differ between two reports of a node.
Status record_measured(store::Session& session, const std::string& node,
                       const std::map<std::string, domain::RoleReport>& before,
                       const std::map<std::string, domain::RoleReport>& after,
                       const Catalog& catalog, Millis now);

// What a task left on the node's disk, with the role as it was deployed.
Status record_deployed(store::Session& session, const store::SyncTask& task,
                       const domain::RoleReport& release, Millis now);

}  // namespace rolesync::rollout
