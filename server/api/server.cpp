// SPDX-License-Identifier: Apache-2.0
// What the server says about itself: health, plugins, its own description.
#include <nlohmann/json.hpp>

#include "server/api/api.hpp"
#include "server/api/body.hpp"
#include "server/api/openapi.hpp"
#include "server/store/sources.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

Response ready(Api& api) {
  const auto readable =
      api.engine.store.read([](store::Session& s) { return store::list_sources(s); });
  if (!readable) {
    return refuse({ErrorKind::unavailable, "store_unusable",
                   "the database cannot be read: " + readable.error().message,
                   readable.error().hint});
  }
  return json_answer(200, {{"status", "ready"}, {"version", api.options.version}});
}

Response plugins(Api& api) {
  Json list = Json::array();
  for (const auto& plugin : api.engine.registry.plugins()) {
    Json provides = Json::array();
    for (const auto& provided : plugin.provides) {
      provides.push_back(
          {{"kind", provided.kind}, {"id", provided.id}, {"summary", provided.summary}});
    }
    list.push_back({{"name", plugin.name},
                    {"version", plugin.version},
                    {"path", plugin.path.string()},
                    {"sha256", plugin.sha256},
                    {"state", plugin::to_word(plugin.state)},
                    {"reason", plugin.reason},
                    {"detail", plugin.detail},
                    {"isolated", plugin.isolated},
                    {"calls", plugin.calls},
                    {"faults", plugin.faults},
                    {"provides", provides}});
  }
  return json_answer(200, {{"plugins", list}});
}

}  // namespace

void add_server_routes(http::Router& router, Api& api) {
  using http::Policy;
  router.on("GET", "/healthz", Policy::open(), [&api](const Request&) {
    return json_answer(200, {{"status", "ok"}, {"version", api.options.version}});
  });
  router.on("GET", "/readyz", Policy::open(), [&api](const Request&) { return ready(api); });
  router.on("GET", "/api/openapi.yaml", Policy::open(), [](const Request&) {
    return Response{
        200, {{"Content-Type", "application/yaml"}}, std::string(openapi_files().front().second)};
  });
  router.on("GET", "/api/plugins", Policy::scope("read"),
            [&api](const Request&) { return plugins(api); });
}

}  // namespace rolesync::api
