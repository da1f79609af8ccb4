// SPDX-License-Identifier: Apache-2.0
// /api/nodes/{id}/drain and undrain: a node is left out of plans, and what was ordered for it
// waits.
#include <nlohmann/json.hpp>

#include "server/api/api.hpp"
#include "server/api/audit.hpp"
#include "server/api/body.hpp"
#include "server/api/shapes.hpp"
#include "server/rollout/wall_clock.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

constexpr std::size_t longest_reason = 500;

Response answer(Api& api, const Request& request, const std::string& id, const std::string& what) {
  const auto node = api.engine.nodes.find(id);
  if (!node) {
    return refuse({ErrorKind::not_found, "unknown_node", "there is no node \"" + id + "\""});
  }
  api.engine.events.publish({.type = "node_changed",
                             .message = "node " + id + " " + what,
                             .node = id,
                             .state = node->drained_at ? "draining" : node->presence,
                             .request_id = request.id});
  return json_answer(200, node_json(*node));
}

Response drain(Api& api, const Request& request) {
  const std::string id = request.parameters.at("id");
  const auto body = read_object(request);
  if (!body) return refuse(body.error());
  Fields fields(*body);
  const std::string reason = fields.required_text("reason");
  if (reason.size() > longest_reason) fields.fault("/reason", "must hold at most 500 characters");
  if (Status valid = fields.finish(); !valid) return refuse(valid.error());
  const Millis now = rollout::now_millis();
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    if (Status done = store::drain_node(session, id, reason, now); !done) return done;
    return audit(session, request, "node.drain", "node/" + id, {{"reason", reason}});
  });
  if (!written) return refuse(written.error());
  const auto before = api.engine.nodes.find(id);
  api.engine.nodes.drain(id, before ? before->drained_at.value_or(now) : now, reason);
  api.engine.commands.hold(id, true);
  return answer(api, request, id, "is drained: " + reason);
}

Response undrain(Api& api, const Request& request) {
  const std::string id = request.parameters.at("id");
  const auto body = read_object(request);
  if (!body) return refuse(body.error());
  Fields fields(*body);
  if (Status valid = fields.finish(); !valid) return refuse(valid.error());
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    if (Status done = store::undrain_node(session, id); !done) return done;
    return audit(session, request, "node.undrain", "node/" + id, Json::object());
  });
  if (!written) return refuse(written.error());
  api.engine.nodes.drain(id, std::nullopt, "");
  api.engine.commands.hold(id, false);
  return answer(api, request, id, "is in use again");
}

}  // namespace

void add_node_drain_routes(http::Router& router, Api& api) {
  using http::Policy;
  router.on("POST", "/api/nodes/{id}/drain", Policy::scope("sync"),
            [&api](const Request& request) { return drain(api, request); });
  router.on("POST", "/api/nodes/{id}/undrain", Policy::scope("sync"),
            [&api](const Request& request) { return undrain(api, request); });
}

}  // namespace rolesync::api
