// SPDX-License-Identifier: Apache-2.0
// /api/held-contents: what broke a rollout and is left out of automatic runs.
#include "server/store/held_contents.hpp"

#include <nlohmann/json.hpp>

#include "server/api/api.hpp"
#include "server/api/audit.hpp"
#include "server/api/body.hpp"
#include "server/api/shapes.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

Response list(Api& api) {
  const auto held =
      api.engine.store.read([](store::Session& session) { return store::held_contents(session); });
  if (!held) return refuse(held.error());
  Json items = Json::array();
  for (const store::HeldContent& each : *held) {
    items.push_back(held_json(each));
  }
  return json_answer(200, {{"held_contents", std::move(items)}});
}

Response release(Api& api, const Request& request) {
  const std::string role = request.parameters.at("role");
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    if (Status released = store::release_contents(session, role); !released) return released;
    return audit(session, request, "content.release", "role/" + role, Json::object());
  });
  if (!written) return refuse(written.error());
  api.engine.scheduler.changed();
  return {204, {}, ""};
}

}  // namespace

void add_held_content_routes(http::Router& router, Api& api) {
  using http::Policy;
  router.on("GET", "/api/held-contents", Policy::scope("read"),
            [&api](const Request&) { return list(api); });
  router.on("DELETE", "/api/held-contents/{role}", Policy::scope("approve"),
            [&api](const Request& request) { return release(api, request); });
}

}  // namespace rolesync::api
