// SPDX-License-Identifier: Apache-2.0
// What the server says about itself: health, its own description.
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
}

}  // namespace rolesync::api
