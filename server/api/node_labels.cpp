// SPDX-License-Identifier: Apache-2.0
// /api/nodes/{id}/labels: words by which schedules, freezes and people select nodes.
#include <nlohmann/json.hpp>

#include "server/api/api.hpp"
#include "server/api/audit.hpp"
#include "server/api/body.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

Response replace(Api& api, const Request& request) {
  const std::string id = request.parameters.at("id");
  const auto body = read_object(request);
  if (!body) return refuse(body.error());
  Fields fields(*body);
  const auto labels = fields.labels("labels");
  if (!fields.has("labels")) fields.fault("/labels", "is required");
  if (Status valid = fields.finish(); !valid) return refuse(valid.error());
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    Status set = store::set_labels(session, id, store::labels_to_json(labels));
    if (!set) return set;
    return audit(session, request, "node.label", "node/" + id, {{"labels", labels}});
  });
  if (!written) return refuse(written.error());
  api.engine.nodes.label(id, labels);
  api.engine.events.publish({.type = "node_changed",
                             .message = "the labels of node " + id + " have changed",
                             .node = id,
                             .request_id = request.id});
  return json_answer(200, {{"node_id", id}, {"labels", labels}});
}

}  // namespace

void add_node_label_routes(http::Router& router, Api& api) {
  router.on("PUT", "/api/nodes/{id}/labels", http::Policy::scope("admin"),
            [&api](const Request& request) { return replace(api, request); });
}

}  // namespace rolesync::api
