// SPDX-License-Identifier: Apache-2.0
// The bytes agents get for their own tasks: contents, offers, streams. Manifests for whoever reads.
#include <nlohmann/json.hpp>

#include "server/api/api.hpp"
#include "server/api/body.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

Response manifest(Api& api, const Request& request) {
  const std::string content_id = request.parameters.at("content_id");
  const auto found = api.engine.source.manifest(content_id);
  if (!found) return refuse(found.error());
  return {200, {{"Content-Type", "application/octet-stream"}}, (*found)->to_text()};
}

Response task_content(Api& api, const Request& request) {
  const std::string node = request.parameters.at("id"), task = request.parameters.at("task_id");
  const auto from = request.query.find("from"), of = request.query.find("of");
  if (of != request.query.end() && of->second != "from") {
    return refuse({ErrorKind::invalid, "invalid_query", "of can only be from", ""});
  }
  const auto answer =
      of != request.query.end()
          ? api.engine.offers.adopted(node, task)
          : api.engine.offers.content(node, task,
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
  router.on("GET", "/api/contents/{content_id}/manifest", Policy::scope("read"),
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
