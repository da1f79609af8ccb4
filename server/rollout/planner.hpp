// SPDX-License-Identifier: Apache-2.0
// Gathers what the pure plan needs: roles, contents, what nodes reported. Any thread.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/domain/plan.hpp"
#include "server/rollout/code_intake.hpp"
#include "server/rollout/identifications.hpp"
#include "server/rollout/node_registry.hpp"
#include "server/rollout/role_catalog.hpp"

namespace rolesync::rollout {

struct PlanRequest {
  std::optional<std::vector<std::string>> roles, nodes;  // nothing: all
  std::string commit;                                    // empty: the newest
  domain::PlanOptions options;
};

class Planner {
 public:
  Planner(plugin::Registry& registry, RoleCatalog& catalog, NodeRegistry& nodes, CodeIntake& intake,
          source::SourceService& service, const Identifications& identifications)
      : registry_(registry),
        catalog_(catalog),
        nodes_(nodes),
        intake_(intake),
        service_(service),
        identifications_(identifications) {}

  // Errors: not_found/unknown_role, unknown_node, unknown_commit; invalid/invalid_commit;
  // conflict/role_unusable.
  Result<domain::Plan> plan(const PlanRequest& request) const;

  // The same rows made again, each for the commit it was approved for.
  Result<std::vector<domain::PlanRow>> again(const std::vector<domain::PlanRow>& rows,
                                             const domain::PlanOptions& options) const;

 private:
  using Manifests = std::map<std::string, std::shared_ptr<const Manifest>>;
  domain::PlanInput input(Manifests& manifests) const;
  Status pin(domain::PlanInput& input, const std::vector<std::string>& roles,
             const std::string& commit) const;

  plugin::Registry& registry_;
  RoleCatalog& catalog_;
  NodeRegistry& nodes_;
  CodeIntake& intake_;
  source::SourceService& service_;
  const Identifications& identifications_;
};

}  // namespace rolesync::rollout
