// SPDX-License-Identifier: Apache-2.0
// /api/plugins: the server's plugins and what nodes report of theirs; lifting a quarantine.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/plugin/plugin_json.hpp"
#include "host/values/secret.hpp"
#include "server/api/api.hpp"
#include "server/api/audit.hpp"
#include "server/api/body.hpp"
#include "server/api/list_query.hpp"
#include "server/api/shapes.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/commands.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

Error unknown_plugin(const std::string& name, const std::string& where) {
  return {ErrorKind::not_found, "unknown_plugin", where + " has no plugin \"" + name + "\"",
          "see GET /api/plugins, and GET /api/nodes/{id} for those of a node"};
}

bool provides(const plugin::PluginInfo& info, const store::Page& page) {
  const auto kind = page.filters.find("kind");
  return kind == page.filters.end() ||
         std::any_of(info.provides.begin(), info.provides.end(),
                     [&](const auto& each) { return each.kind == kind->second; });
}

// Several files may carry one name (superseded, duplicate): the path tells them apart.
Response list(Api& api, const Request& request) {
  static const ListRules rules{{"name"}, {{"state"}, {"kind"}}, "name", longest_page};
  const auto page = read_page(request, rules);
  if (!page) return refuse(page.error());
  std::vector<plugin::PluginInfo> plugins;
  for (auto& info : api.engine.registry.plugins()) {
    if (passes(*page, "state", plugin::to_word(info.state)) && provides(info, *page)) {
      plugins.push_back(std::move(info));
    }
  }
  const auto listed = page_of(std::move(plugins), *page, [](const plugin::PluginInfo& info) {
    return store::PageKey{info.name, info.path.string()};
  });
  return json_answer(200, list_json("plugins", *page, listed, plugin::plugin_to_json));
}

Json on_nodes(Api& api, const std::string& name) {
  Json nodes = Json::array();
  for (const auto& node : api.engine.nodes.all()) {
    for (Json plugin : reported_plugins(*node)) {
      if (!plugin.is_object() || plugin.value("name", Json()) != name) continue;
      plugin["node_id"] = node->id;
      nodes.push_back(std::move(plugin));
    }
  }
  return nodes;
}

Response show(Api& api, const Request& request) {
  const std::string name = request.parameters.at("name");
  Json server = Json::array();
  for (const auto& info : api.engine.registry.plugins()) {
    if (info.name == name) server.push_back(plugin::plugin_to_json(info));
  }
  Json nodes = on_nodes(api, name);
  if (server.empty() && nodes.empty()) return refuse(unknown_plugin(name, "nobody here"));
  return json_answer(200,
                     {{"name", name}, {"server", std::move(server)}, {"nodes", std::move(nodes)}});
}

Error not_quarantined(const std::string& name, const std::string& where) {
  return {ErrorKind::conflict, "not_quarantined",
          "plugin " + name + " is not quarantined on " + where,
          "GET /api/plugins/" + name + " says in which state it is"};
}

Response unquarantine(Api& api, const Request& request) {
  const std::string name = request.parameters.at("name");
  bool known = false, held = false;
  for (const auto& info : api.engine.registry.plugins()) {
    if (info.name != name) continue;
    known = true;
    held |= info.state == plugin::PluginState::quarantined;
  }
  if (!known) return refuse(unknown_plugin(name, "this server"));
  if (!held) return refuse(not_quarantined(name, "this server"));
  // Written first: nothing is done that is not in the log.
  const Status audited = api.engine.store.write([&](store::Session& session) {
    return audit(session, request, "plugin.unquarantine", "plugin/" + name, Json::object());
  });
  if (!audited) return refuse(audited.error());
  if (Status lifted = api.engine.registry.unquarantine(name); !lifted) {
    return refuse(lifted.error());
  }
  return show(api, request);
}

// The node itself decides; it is told by a command.
Response unquarantine_on_node(Api& api, const Request& request) {
  const std::string id = request.parameters.at("id"), name = request.parameters.at("name");
  const auto node = api.engine.nodes.find(id);
  if (!node) {
    return refuse({ErrorKind::not_found, "unknown_node", "there is no node \"" + id + "\"",
                   "see GET /api/nodes for the nodes there are"});
  }
  bool known = false, held = false;
  for (const Json& plugin : reported_plugins(*node)) {
    if (!plugin.is_object() || plugin.value("name", Json()) != name) continue;
    known = true;
    held |= plugin.value("state", Json()) == "quarantined";
  }
  if (!known) return refuse(unknown_plugin(name, "node " + id));
  if (!held) return refuse(not_quarantined(name, "node " + id));
  store::CommandRecord command;
  command.id = new_id("cmd");
  command.node = id;
  command.kind = "unquarantine";
  command.boot_id = node->boot_id;  // another start of the agent begins without quarantines
  command.payload = to_text({{"plugin", name}});
  command.request_id = request.id;
  command.created_at = rollout::now_millis();
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    if (Status added = store::add_command(session, command); !added) return added;
    return audit(session, request, "plugin.unquarantine", "node/" + id + "/plugin/" + name,
                 Json::object());
  });
  if (!written) return refuse(written.error());
  api.engine.commands.announce({command});
  return json_answer(202, {{"node_id", id}, {"name", name}, {"command_id", command.id}});
}

}  // namespace

void add_plugin_routes(http::Router& router, Api& api) {
  using http::Policy;
  router.on("GET", "/api/plugins", Policy::scope("read"),
            [&api](const Request& request) { return list(api, request); });
  router.on("GET", "/api/plugins/{name}", Policy::scope("read"),
            [&api](const Request& request) { return show(api, request); });
  router.on("POST", "/api/plugins/{name}/unquarantine", Policy::scope("admin"),
            [&api](const Request& request) { return unquarantine(api, request); });
  router.on("POST", "/api/nodes/{id}/plugins/{name}/unquarantine", Policy::scope("admin").on_node(),
            [&api](const Request& request) { return unquarantine_on_node(api, request); });
}

}  // namespace rolesync::api
