// SPDX-License-Identifier: Apache-2.0
// /api/nodes/{id}/roles/{role}/restart|start|stop and /api/role-actions: acting on what runs a role
// without a sync.
#include <nlohmann/json.hpp>

#include "server/api/api.hpp"
#include "server/api/body.hpp"
#include "server/api/idempotent.hpp"
#include "server/api/list_query.hpp"
#include "server/api/shapes.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

Json action_json(const store::RoleAction& action) {
  return {{"action_id", action.id},
          {"node_id", action.node},
          {"role_name", action.role},
          {"action", action.action},
          {"state", action.state},
          {"step", action.step},
          {"reason", action.reason},
          {"message", action.message},
          {"created_by", action.requested_by},
          {"request_id", action.request_id},
          {"created_at", to_rfc3339(action.created_at)},
          {"started_at", time_json(action.started_at)},
          {"finished_at", time_json(action.finished_at)}};
}

Response act(Api& api, const Request& request, const char* action) {
  const auto body = read_object(request);
  if (!body) return refuse(body.error());
  Fields fields(*body);
  if (Status valid = fields.finish(); !valid) return refuse(valid.error());
  const IdempotencyKey key(request);
  if (Status valid = key.check(); !valid) return refuse(valid.error());
  std::string answer;
  rollout::RoleActionOrder order;
  order.node = request.parameters.at("id");
  order.role = request.parameters.at("role");
  order.action = action;
  order.requested_by = request.principal.name;
  order.request_id = request.id;
  order.earlier = key.earlier(answer, "action_id");
  order.keep = [&](store::Session& session, const store::RoleAction& made) {
    answer = to_text(action_json(made));
    return key.keep(session, 202, answer);
  };
  const auto opened = api.engine.actions.open(order);
  if (!opened) return refuse(opened.error());
  Response response = http::json_response(202, answer);
  response.headers["Location"] = "/api/role-actions/" + *opened;
  return response;
}

Response show(Api& api, const Request& request) {
  const auto action = api.engine.store.read([&](store::Session& session) {
    return store::find_role_action(session, request.parameters.at("id"));
  });
  return action ? json_answer(200, action_json(*action)) : refuse(action.error());
}

Response list(Api& api, const Request& request) {
  static const ListRules rules = rules_of(store::role_action_list(), "-created_at");
  const auto page = read_page(request, rules);
  if (!page) return refuse(page.error());
  const auto actions =
      api.engine.store.read([&](store::Session& s) { return store::list_role_actions(s, *page); });
  if (!actions) return refuse(actions.error());
  return json_answer(200, list_json("actions", *page, *actions, action_json));
}

}  // namespace

void add_role_action_routes(http::Router& router, Api& api) {
  using http::Policy;
  for (const char* action : {"restart", "start", "stop"}) {
    router.on("POST", std::string("/api/nodes/{id}/roles/{role}/") + action,
              Policy::scope("sync").on_node().on_role("role"),
              [&api, action](const Request& request) { return act(api, request, action); });
  }
  router.on("GET", "/api/role-actions", Policy::scope("read"),
            [&api](const Request& request) { return list(api, request); });
  router.on("GET", "/api/role-actions/{id}", Policy::scope("read"),
            [&api](const Request& request) { return show(api, request); });
}

}  // namespace rolesync::api
