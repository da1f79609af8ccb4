// SPDX-License-Identifier: Apache-2.0
// /api/nodes/{id}/labels: words by which schedules, freezes and people select nodes.
#include <nlohmann/json.hpp>

#include "host/values/hash.hpp"
#include "server/api/api.hpp"
#include "server/api/audit.hpp"
#include "server/api/body.hpp"
#include "server/store/nodes.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

std::string etag_of(const std::map<std::string, std::string>& labels) {
  return "\"" + sha256_hex(store::labels_to_json(labels)).substr(0, 24) + "\"";
}

Response answer(const std::string& id, const std::map<std::string, std::string>& labels) {
  Response response = json_answer(200, {{"node_id", id}, {"labels", labels}});
  response.headers["ETag"] = etag_of(labels);
  return response;
}

Response show(Api& api, const std::string& id) {
  const auto node = api.engine.nodes.find(id);
  if (node) return answer(id, node->labels);
  return refuse({ErrorKind::not_found, "unknown_node", "there is no node \"" + id + "\"",
                 "see GET /api/nodes for the nodes there are"});
}

Response replace(Api& api, const Request& request) {
  const std::string id = request.parameters.at("id");
  const auto body = read_object(request);
  if (!body) return refuse(body.error());
  Fields fields(*body);
  const auto labels = fields.labels("labels");
  if (!fields.has("labels")) fields.fault("/labels", "is required");
  if (Status valid = fields.finish(); !valid) return refuse(valid.error());
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    const auto node = store::find_node(session, id);
    if (!node) return node.error();
    const std::string before = etag_of(store::labels_from_json(node->labels));
    if (Status match = check_match(request, before); !match) return match;
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
  return answer(id, labels);
}

}  // namespace

void add_node_label_routes(http::Router& router, Api& api) {
  router.on("GET", "/api/nodes/{id}/labels", http::Policy::scope("read"),
            [&api](const Request& request) { return show(api, request.parameters.at("id")); });
  router.on("PUT", "/api/nodes/{id}/labels", http::Policy::scope("admin").on_node(),
            [&api](const Request& request) { return replace(api, request); });
}

}  // namespace rolesync::api
