// SPDX-License-Identifier: Apache-2.0
#include "server/api/code_source_node.hpp"

#include <algorithm>

#include "server/rollout/wall_clock.hpp"
#include "server/store/roles.hpp"
#include "server/store/sources.hpp"

namespace rolesync::api {
namespace {

// What counts on the node now, so that a first assignment takes no detected role away.
std::set<std::string> counting_roles(Api& api, const std::string& node) {
  const auto view = api.engine.nodes.find(node);
  if (!view) return {};
  const auto roles = api.engine.heartbeats.effective_roles(*view);
  return {roles.begin(), roles.end()};
}

Result<AssignedRoles> assign(store::Session& session, const std::string& node,
                             std::set<std::string> roles, const std::string& by) {
  const auto version =
      store::assign_roles(session, node, roles, by, rollout::now_millis(), std::nullopt);
  if (!version) return version.error();
  return AssignedRoles{node, std::move(roles), *version};
}

}  // namespace

Result<std::vector<AssignedRoles>> move_source_role(store::Session& session, Api& api,
                                                    const std::string& source,
                                                    const std::string& before,
                                                    const std::string& node,
                                                    const std::string& by) {
  std::vector<AssignedRoles> changes;
  const std::string& role = api.options.code_source_role;
  if (role.empty() || !api.engine.catalog.get()->usable.contains(role)) return changes;
  if (!node.empty()) {
    auto roles = counting_roles(api, node);
    if (roles.insert(role).second) {
      auto change = assign(session, node, std::move(roles), by);
      if (!change) return change.error();
      changes.push_back(std::move(*change));
    }
  }
  if (before.empty() || before == node) return changes;
  const auto sources = store::list_sources(session);
  if (!sources) return sources.error();
  const bool holds_another = std::any_of(sources->begin(), sources->end(), [&](const auto& other) {
    return other.name != source && other.node_id == before;
  });
  auto roles = counting_roles(api, before);
  if (!holds_another && roles.erase(role) > 0) {
    auto change = assign(session, before, std::move(roles), by);
    if (!change) return change.error();
    changes.push_back(std::move(*change));
  }
  return changes;
}

Status follow_assignment(store::Session& session, Api& api, const std::string& node,
                         const std::set<std::string>& before, const std::set<std::string>& roles) {
  const std::string& role = api.options.code_source_role;
  if (role.empty() || before.contains(role) == roles.contains(role)) return {};
  const auto sources = store::list_sources(session);
  if (!sources) return sources.error();
  for (store::CodeSource source : *sources) {
    if (roles.contains(role)) {
      if (source.name != "main" || source.transport != "agent" || source.node_id == node) continue;
      const std::int64_t version = source.version;
      source.node_id = node;
      const auto saved = store::save_source(session, source, version);
      if (!saved) return saved.error();
    } else if (source.node_id == node) {
      return Error{ErrorKind::conflict, "code_source_in_use",
                   "node " + node + " holds the code source " + source.name,
                   "set another code source first (PUT /api/code-source)"};
    }
  }
  return {};
}

void tell_assigned(Api& api, const std::vector<AssignedRoles>& changes,
                   const std::string& request_id) {
  for (const AssignedRoles& change : changes) {
    api.engine.nodes.assign(change.node, change.roles, change.version);
    api.engine.events.publish({.type = "node_roles_changed",
                               .message = "the roles of node " + change.node + " were changed",
                               .node = change.node,
                               .request_id = request_id});
    api.engine.heartbeats.wake(change.node);
  }
}

}  // namespace rolesync::api
