// SPDX-License-Identifier: Apache-2.0
// /api/status: the role x node matrix in one answer.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "server/api/api.hpp"
#include "server/api/body.hpp"
#include "server/api/shapes.hpp"

namespace rolesync::api {
namespace {

Json roles_json(const rollout::Engine& engine) {
  const auto catalog = engine.catalog.get();
  std::vector<const domain::EffectiveRole*> roles;
  for (const auto& [name, role] : catalog->roles) {
    if (role.effective) roles.push_back(&*role.effective);
  }
  std::stable_sort(roles.begin(), roles.end(),
                   [](const auto* a, const auto* b) { return a->role.order < b->role.order; });
  Json json = Json::array();
  for (const auto* role : roles) {
    json.push_back({{"role_name", role->role.name},
                    {"display_name", role->role.display_name},
                    {"order", role->role.order},
                    {"role_revision", role->revision},
                    {"latest", latest_json(engine, role->role.name)}});
  }
  return json;
}

http::Response status(Api& api) {
  const auto sources =
      api.engine.store.read([](store::Session& s) { return store::list_sources(s); });
  if (!sources) return refuse(sources.error());
  Json source_list = Json::array(), nodes = Json::array(), cells = Json::array();
  for (const auto& source : *sources) source_list.push_back(source_json(api.engine, source));
  for (const auto& node : api.engine.nodes.all()) {
    nodes.push_back(node_json(*node));
    for (Json& cell : roles_on_node_json(api.engine, *node)) cells.push_back(std::move(cell));
  }
  return json_answer(200, {{"server_version", api.options.version},
                           {"sources", source_list},
                           {"roles", roles_json(api.engine)},
                           {"nodes", nodes},
                           {"cells", cells},
                           {"jobs_running", api.engine.runner.running()}});
}

}  // namespace

void add_status_routes(http::Router& router, Api& api) {
  router.on("GET", "/api/status", http::Policy::scope("read"),
            [&api](const http::Request&) { return status(api); });
}

}  // namespace rolesync::api
