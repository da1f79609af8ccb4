// SPDX-License-Identifier: Apache-2.0
// /api/commits and /api/events.
#include <nlohmann/json.hpp>

#include "host/values/names.hpp"
#include "server/api/api.hpp"
#include "server/api/body.hpp"
#include "server/api/shapes.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

Response commits(Api& api, const Request& request) {
  const auto limit = query_number(request, "limit", 20, 1, 200);
  const auto name = request.query.find("source");
  const std::string source = name == request.query.end() ? "main" : name->second;
  if (!limit || !is_name(source)) {
    return refuse({ErrorKind::invalid, "invalid_query", "limit or source is not valid",
                   "see /api/openapi.yaml"});
  }
  const auto found = api.engine.store.read(
      [&](store::Session& s) { return store::list_commits(s, source, 0, *limit); });
  if (!found) return refuse(found.error());
  Json list = Json::array();
  for (const auto& commit : *found) list.push_back(commit_json(commit));
  return json_answer(200, {{"commits", list}});
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
  router.on_events("/api/events", Policy::scope("read"),
                   [&api](const Request& request, std::shared_ptr<http::EventSink> sink) {
                     return api.engine.hub.follow(request, std::move(sink), wanted_types(request));
                   });
}

}  // namespace rolesync::api
