// SPDX-License-Identifier: Apache-2.0
// The bytes agents get: manifests, offers, streams. Only contents of a node's own tasks and
// releases.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "server/api/api.hpp"
#include "server/api/body.hpp"
#include "server/store/jobs.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

Status check_own_content(Api& api, const std::string& node, const std::string& content_id) {
  const auto view = api.engine.nodes.find(node);
  if (view) {
    for (const auto& [role, report] : view->parts->reports) {
      if (report.content_id == content_id) return {};
    }
  }
  const auto tasks =
      api.engine.store.read([&](store::Session& s) { return store::open_tasks_of_node(s, node); });
  if (!tasks) return tasks.error();
  const bool own = std::any_of(tasks->begin(), tasks->end(), [&](const auto& task) {
    return task.content_id == content_id || task.from_content_id == content_id;
  });
  if (own) return {};
  return Error{ErrorKind::denied, "content_of_other_node",
               "this content belongs to no task and no release of node " + node, ""};
}

Status may_read(Api& api, const Request& request, const std::string& content_id) {
  if (request.principal.kind != http::Principal::Kind::node) return {};
  return check_own_content(api, request.principal.id, content_id);
}

Response manifest(Api& api, const Request& request) {
  const std::string content_id = request.parameters.at("content_id");
  if (Status own = may_read(api, request, content_id); !own) return refuse(own.error());
  const auto found = api.engine.source.manifest(content_id);
  if (!found) return refuse(found.error());
  return {200, {{"Content-Type", "application/octet-stream"}}, found->to_text()};
}

Response task_content(Api& api, const Request& request) {
  const auto from = request.query.find("from");
  const auto answer =
      api.engine.offers.content(request.parameters.at("id"), request.parameters.at("task_id"),
                                from == request.query.end() ? std::string() : from->second);
  if (!answer) return refuse(answer.error());
  return {200, {{"Content-Type", answer->type}}, *answer->text};
}

Response offer(Api& api, const Request& request) {
  const auto body = read_object(request);
  if (!body) return refuse(body.error());
  Fields fields(*body);
  const std::string task = fields.required_text("task_id");
  const auto wanted = fields.texts("want");
  if (!wanted || wanted->empty()) fields.fault("/want", "needs at least one blob id");
  if (Status valid = fields.finish(); !valid) return refuse(valid.error());
  const auto made = api.engine.offers.make(request.parameters.at("id"), task, *wanted);
  if (!made) return refuse(made.error());
  const auto deployer = parse_json(made->deployer);
  return json_answer(201, {{"offer_id", made->id},
                           {"files", made->files},
                           {"bytes", made->bytes},
                           {"deployer", deployer ? *deployer : Json::object()}});
}

}  // namespace

void add_content_routes(http::Router& router, Api& api) {
  using http::Policy;
  http::RouteOptions large;
  large.max_body = 16 << 20;  // a first install names every blob
  router.on("GET", "/api/contents/{content_id}/manifest", Policy::any_node(),
            [&api](const Request& request) { return manifest(api, request); });
  router.on("GET", "/api/nodes/{id}/tasks/{task_id}/content", Policy::node(),
            [&api](const Request& request) { return task_content(api, request); });
  router.on(
      "POST", "/api/nodes/{id}/offers", Policy::node(),
      [&api](const Request& request) { return offer(api, request); }, large);
  router.on_upgrade("/api/nodes/{id}/streams/{stream_id}", Policy::node(),
                    [&api](const Request& request) -> std::variant<Response, http::StreamOwner> {
                      auto owner = api.engine.streams.claim(request.parameters.at("id"),
                                                            request.parameters.at("stream_id"));
                      if (!owner) return refuse(owner.error());
                      return std::move(*owner);
                    });
}

}  // namespace rolesync::api
