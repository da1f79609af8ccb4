// SPDX-License-Identifier: Apache-2.0
// /api/commits and /api/events.
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "server/api/api.hpp"
#include "server/api/body.hpp"
#include "server/api/list_query.hpp"
#include "server/api/shapes.hpp"
#include "server/store/events.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

// Which nodes were measured to have this commit, by role.
Json runs_on(const rollout::Engine& engine, const std::string& commit) {
  std::map<std::string, std::vector<std::string>> nodes;
  for (const auto& node : engine.nodes.all()) {
    for (const auto& [role, report] : node->parts->reports) {
      if (report.commit == commit) nodes[role].push_back(node->id);
    }
  }
  Json json = Json::array();
  for (const auto& [role, ids] : nodes) json.push_back({{"role_name", role}, {"nodes", ids}});
  return json;
}

using NodeCounts = std::map<std::string, std::set<std::string>>;  // commit -> nodes

NodeCounts nodes_by_commit(const rollout::Engine& engine) {
  NodeCounts counts;
  for (const auto& node : engine.nodes.all()) {
    for (const auto& [role, report] : node->parts->reports) {
      if (!report.commit.empty()) counts[report.commit].insert(node->id);
    }
  }
  return counts;
}

Response commits(Api& api, const Request& request) {
  static const ListRules rules = rules_of(store::commit_list(), "-position", 20);
  Request of_source = request;
  of_source.query.try_emplace("source", "main");
  const auto page = read_page(of_source, rules);
  if (!page) return refuse(page.error());
  const auto found =
      api.engine.store.read([&](store::Session& s) { return store::list_commits(s, *page); });
  if (!found) return refuse(found.error());
  const NodeCounts counts = nodes_by_commit(api.engine);
  return json_answer(200, list_json("commits", *page, *found, [&](const auto& commit) {
                       Json json = commit_json(commit);
                       const auto nodes = counts.find(commit.commit);
                       json["node_count"] = nodes == counts.end() ? 0 : nodes->second.size();
                       return json;
                     }));
}

Response commit(Api& api, const Request& request) {
  const std::string id = request.parameters.at("commit");
  const auto name = request.query.find("source");
  const std::string source = name == request.query.end() ? "main" : name->second;
  const auto found =
      api.engine.store.read([&](store::Session& s) { return store::find_commit(s, source, id); });
  if (!found) return refuse(found.error());
  Json json = commit_json(*found);
  json["runs_on"] = runs_on(api.engine, id);
  json["node_count"] = nodes_by_commit(api.engine)[id].size();
  return json_answer(200, json);
}

Json event_json(const store::EventRecord& event) {
  const auto data = parse_json(event.data);
  Json json = data && data->is_object() ? *data : Json{{"type", event.kind}};
  json["id"] = event.sequence;
  return json;
}

// What EventSource cannot do: the events of the past, by page.
Response past_events(Api& api, const Request& request) {
  static const ListRules rules = rules_of(store::event_list(), "-id");
  const auto page = read_page(request, rules);
  if (!page) return refuse(page.error());
  const auto events =
      api.engine.store.read([&](store::Session& s) { return store::list_events(s, *page); });
  if (!events) return refuse(events.error());
  return json_answer(200, list_json("events", *page, *events, event_json));
}

bool wants_json(const Request& request) {
  const auto accept = request.headers.find("accept");
  return accept != request.headers.end() &&
         accept->second.find("application/json") != std::string::npos &&
         accept->second.find("text/event-stream") == std::string::npos;
}

// `types=job_changed,node_changed`: only those; without it: all.
http::EventHub::Filter wanted_types(const Request& request) {
  const auto query = request.query.find("types");
  if (query == request.query.end() || query->second.empty()) return {};
  const std::string types = "," + query->second + ",";
  return [types](const http::Event& event) {
    return types.find("," + event.type + ",") != std::string::npos;
  };
}

}  // namespace

void add_history_routes(http::Router& router, Api& api) {
  using http::Policy;
  router.on("GET", "/api/commits", Policy::scope("read"),
            [&api](const Request& request) { return commits(api, request); });
  router.on("GET", "/api/commits/{commit}", Policy::scope("read"),
            [&api](const Request& request) { return commit(api, request); });
  router.on_events("/api/events", Policy::scope("read"),
                   [&api](const Request& request, std::shared_ptr<http::EventSink> sink) {
                     if (wants_json(request)) return std::optional(past_events(api, request));
                     return api.engine.hub.follow(request, std::move(sink), wanted_types(request));
                   });
}

}  // namespace rolesync::api
