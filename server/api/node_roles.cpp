// SPDX-License-Identifier: Apache-2.0
// /api/nodes/{id}/roles: which roles were given, found, and count.
#include <nlohmann/json.hpp>
#include <set>

#include "server/api/api.hpp"
#include "server/api/audit.hpp"
#include "server/api/body.hpp"
#include "server/api/code_source_node.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/roles.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

Error unknown_node(const std::string& id) {
  return {ErrorKind::not_found, "unknown_node", "there is no node \"" + id + "\"",
          "see GET /api/nodes for the nodes there are"};
}

std::string etag_of(const rollout::NodeView& node) {
  return "\"" + std::to_string(node.assignment_version) + "\"";
}

Response show(Api& api, const std::string& id) {
  const auto node = api.engine.nodes.find(id);
  if (!node) return refuse(unknown_node(id));
  Json effective = Json::array();
  for (const auto& role : domain::effective_roles(node->assigned, node->parts->reports,
                                                  api.engine.catalog.get()->usable)) {
    effective.push_back({{"role_name", role.role}, {"source", role.source}});
  }
  Response response = json_answer(200, {{"node_id", id},
                                        {"assigned", node->assigned.roles},
                                        {"assigned_by_hand", node->assigned.by_hand},
                                        {"detected", domain::detected_roles(node->parts->reports)},
                                        {"effective", effective}});
  response.headers["ETag"] = etag_of(*node);
  return response;
}

Status check_roles(Api& api, const std::string& node, const std::set<std::string>& roles) {
  const auto catalog = api.engine.catalog.get();
  for (const std::string& role : roles) {
    const rollout::CatalogRole* known = catalog->find(role);
    if (!known) {
      return Error{ErrorKind::not_found, "unknown_role", "there is no role \"" + role + "\"",
                   "see GET /api/roles for the roles there are"};
    }
    if (!known->effective) {
      return Error{ErrorKind::conflict, "role_unusable",
                   "role " + role + " cannot be used: " + known->error->message,
                   known->error->hint};
    }
  }
  return domain::check_overlap(node, roles, catalog->usable);
}

Response replace(Api& api, const Request& request) {
  const std::string id = request.parameters.at("id");
  const auto node = api.engine.nodes.find(id);
  if (!node) return refuse(unknown_node(id));
  const auto body = read_object(request);
  if (!body) return refuse(body.error());
  Fields fields(*body);
  const auto names = fields.texts("roles");  // an odd name is an unknown role
  if (!names) fields.fault("/roles", "is required");
  if (Status valid = fields.finish(); !valid) return refuse(valid.error());
  if (Status match = check_match(request, etag_of(*node)); !match) return refuse(match.error());
  const std::set<std::string> roles(names->begin(), names->end());
  if (Status fits = check_roles(api, id, roles); !fits) return refuse(fits.error());

  std::int64_t version = 0;
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    const auto counting = api.engine.heartbeats.effective_roles(*node);
    Status followed =
        follow_assignment(session, api, id, {counting.begin(), counting.end()}, roles);
    if (!followed) return followed;
    const auto assigned = store::assign_roles(session, id, roles, request.principal.name,
                                              rollout::now_millis(), node->assignment_version);
    if (!assigned) return assigned.error();
    version = *assigned;
    return audit(session, request, "node.assign", "node/" + id, {{"roles", roles}});
  });
  if (!written) return refuse(written.error());
  tell_assigned(api, {{id, roles, version}}, request.id);
  return show(api, id);
}

}  // namespace

void add_node_role_routes(http::Router& router, Api& api) {
  using http::Policy;
  router.on("GET", "/api/nodes/{id}/roles", Policy::scope("read"),
            [&api](const Request& request) { return show(api, request.parameters.at("id")); });
  router.on("PUT", "/api/nodes/{id}/roles", Policy::scope("admin").on_node(),
            [&api](const Request& request) { return replace(api, request); });
}

}  // namespace rolesync::api
