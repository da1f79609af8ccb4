// SPDX-License-Identifier: Apache-2.0
// /api/nodes: the machines and what they last reported.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "host/values/names.hpp"
#include "server/api/api.hpp"
#include "server/api/body.hpp"
#include "server/api/list_query.hpp"
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

// "site=berlin,tier=web": all of them.
Result<std::map<std::string, std::string>> wanted_labels(const store::Page& page) {
  std::map<std::string, std::string> labels;
  const auto asked = page.filters.find("label");
  std::string_view rest = asked == page.filters.end() ? std::string_view{} : asked->second;
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || !is_name(pair.substr(0, equals))) {
      return Error{ErrorKind::invalid,
                   "invalid_query",
                   "the query label must be name=value, several with ',' between them",
                   "for example label=site=berlin",
                   {{"/query/label", "must be name=value, several with ',' between them"}}};
    }
    labels[std::string(pair.substr(0, equals))] = pair.substr(equals + 1);
  }
  return labels;
}

bool counts_for(const rollout::NodeView& node, const store::Page& page,
                const std::map<std::string, std::string>& labels,
                const std::map<std::string, Role>& roles) {
  if (!passes(page, "state", node_state(node))) return false;
  for (const auto& [name, value] : labels) {
    const auto found = node.labels.find(name);
    if (found == node.labels.end() || found->second != value) return false;
  }
  const auto role = page.filters.find("role");
  if (role == page.filters.end()) return true;
  const auto here = domain::effective_roles(node.assigned, node.parts->reports, roles);
  return std::any_of(here.begin(), here.end(),
                     [&](const auto& each) { return each.role == role->second; });
}

// Only the page's nodes are written as JSON: there may be thousands.
Response list(Api& api, const Request& request) {
  static const ListRules rules{{"node_id", "joined_at"},
                               {{"state"}, {"label"}, {"role", store::FilterColumn::Kind::name}},
                               "node_id",
                               longest_page};
  const auto page = read_page(request, rules);
  if (!page) return refuse(page.error());
  const auto labels = wanted_labels(*page);
  if (!labels) return refuse(labels.error());
  const auto catalog = api.engine.catalog.get();
  std::vector<rollout::NodePointer> nodes;
  for (const auto& node : api.engine.nodes.all()) {
    if (counts_for(*node, *page, *labels, catalog->usable)) nodes.push_back(node);
  }
  const auto listed = page_of(std::move(nodes), *page, [&](const rollout::NodePointer& node) {
    return store::PageKey{page->sort == "joined_at" ? sortable(node->joined_at) : "", node->id};
  });
  return json_answer(200, list_json("nodes", *page, listed, [](const rollout::NodePointer& node) {
                       return node_json(*node);
                     }));
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
            [&api](const Request& request) { return list(api, request); });
  router.on("GET", "/api/nodes/{id}", Policy::scope("read"),
            [&api](const Request& request) { return show(api, request); });
}

}  // namespace rolesync::api
