// SPDX-License-Identifier: Apache-2.0
// What the server says about itself: health, its own description.
#include <nlohmann/json.hpp>

#include "server/api/api.hpp"
#include "server/api/body.hpp"
#include "server/api/openapi.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

}  // namespace

void add_server_routes(http::Router& router, Api& api) {
  using http::Policy;
  router.on("GET", "/healthz", Policy::open(), [&api](const Request&) {
    return json_answer(200, {{"status", "ok"}, {"version", api.options.version}});
  });
  router.on("GET", "/api/openapi.yaml", Policy::open(), [](const Request&) {
    return Response{
        200, {{"Content-Type", "application/yaml"}}, std::string(openapi_files().front().second)};
  });
}

}  // namespace rolesync::api
