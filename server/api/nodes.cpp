// SPDX-License-Identifier: Apache-2.0
// /api/nodes: the machines and what they last reported.
#include <nlohmann/json.hpp>

#include "server/api/api.hpp"
#include "server/api/body.hpp"
#include "server/api/shapes.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

Error unknown_node(const std::string& id) {
  return {ErrorKind::not_found, "unknown_node", "there is no node \"" + id + "\"",
          "see GET /api/nodes for the nodes there are"};
}

Json part(const rollout::NodeView& node, const char* name, Json otherwise) {
  const auto json = parse_json(node.parts->text(name), {64 << 20, 64});
  return json ? *json : otherwise;
}

Response list(Api& api) {
  Json nodes = Json::array();
  for (const auto& node : api.engine.nodes.all()) nodes.push_back(node_json(*node));
  return json_answer(200, {{"nodes", nodes}});
}

Response show(Api& api, const Request& request) {
  const std::string id = request.parameters.at("id");
  const auto node = api.engine.nodes.find(id);
  if (!node) return refuse(unknown_node(id));
  Json json = node_json(*node);
  json["roles"] = roles_on_node_json(api.engine, *node);
  json["listening_ports"] = part(*node, "listening_ports", Json::array());
  json["plugins"] = reported_plugins(*node);
  json["os_info"] = part(*node, "os_info", Json::object());
  return json_answer(200, json);
}

}  // namespace

void add_node_routes(http::Router& router, Api& api) {
  using http::Policy;
  router.on("GET", "/api/nodes", Policy::scope("read"),
            [&api](const Request&) { return list(api); });
  router.on("GET", "/api/nodes/{id}", Policy::scope("read"),
            [&api](const Request& request) { return show(api, request); });
}

}  // namespace rolesync::api
