// SPDX-License-Identifier: Apache-2.0
// /api/freezes: times in which nothing is synced.
#include <nlohmann/json.hpp>

#include "host/values/secret.hpp"
#include "server/api/api.hpp"
#include "server/api/audit.hpp"
#include "server/api/body.hpp"
#include "server/api/list_query.hpp"
#include "server/api/shapes.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/freezes.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

constexpr std::size_t longest_reason = 500;

const char* state_of(const store::Freeze& freeze, Millis now) {
  if (freeze.lifted_at) return "lifted";
  if (freeze.ends_at && *freeze.ends_at <= now) return "over";
  return freeze.starts_at > now ? "planned" : "active";
}

Json freeze_json(const store::Freeze& freeze) {
  return {{"id", freeze.id},
          {"reason", freeze.reason},
          {"state", state_of(freeze, rollout::now_millis())},
          {"starts_at", to_rfc3339(freeze.starts_at)},
          {"ends_at", time_json(freeze.ends_at)},
          {"roles", freeze.roles},
          {"nodes", freeze.nodes},
          {"labels", freeze.labels},
          {"created_by", freeze.created_by},
          {"created_at", to_rfc3339(freeze.created_at)},
          {"lifted_by", text_or_null(freeze.lifted_by)},
          {"lifted_at", time_json(freeze.lifted_at)}};
}

Response list(Api& api, const Request& request) {
  static const ListRules rules = rules_of(store::freeze_list(), "-starts_at", longest_page);
  const auto page = read_page(request, rules);
  if (!page) return refuse(page.error());
  const auto freezes =
      api.engine.store.read([&](store::Session& s) { return store::list_freezes(s, *page); });
  if (!freezes) return refuse(freezes.error());
  return json_answer(200, list_json("freezes", *page, *freezes, freeze_json));
}

Result<store::Freeze> from_body(const Request& request) {
  const auto body = read_object(request);
  if (!body) return body.error();
  Fields fields(*body);
  store::Freeze freeze;
  freeze.created_at = rollout::now_millis();
  freeze.created_by = request.principal.name;
  freeze.reason = fields.required_text("reason");
  if (freeze.reason.size() > longest_reason) {
    fields.fault("/reason", "has more than " + std::to_string(longest_reason) + " characters");
  }
  freeze.starts_at = fields.time("starts_at").value_or(freeze.created_at);
  freeze.ends_at = fields.time("ends_at");
  if (freeze.ends_at && *freeze.ends_at <= std::max(freeze.starts_at, freeze.created_at)) {
    fields.fault("/ends_at", "is not after its beginning and the present");
  }
  freeze.roles = fields.names("roles").value_or(std::vector<std::string>{});
  freeze.nodes = fields.names("nodes").value_or(std::vector<std::string>{});
  freeze.labels = fields.labels("labels");
  if (Status valid = fields.finish(); !valid) return valid.error();
  freeze.id = new_id("freeze");
  return freeze;
}

Response create(Api& api, const Request& request) {
  const auto freeze = from_body(request);
  if (!freeze) return refuse(freeze.error());
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    if (Status added = store::add_freeze(session, *freeze); !added) return added;
    return audit(session, request, "freeze.create", "freeze/" + freeze->id, freeze_json(*freeze));
  });
  if (!written) return refuse(written.error());
  api.engine.events.publish({.type = "freeze_changed",
                             .message = request.principal.name + " froze syncs: " + freeze->reason,
                             .state = state_of(*freeze, rollout::now_millis()),
                             .request_id = request.id});
  return json_answer(201, freeze_json(*freeze));
}

Response lift(Api& api, const Request& request) {
  const std::string id = request.parameters.at("id");
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    Status lifted = store::lift_freeze(session, id, request.principal.name, rollout::now_millis());
    if (!lifted) return lifted;
    return audit(session, request, "freeze.lift", "freeze/" + id, Json::object());
  });
  if (!written) return refuse(written.error());
  api.engine.scheduler.changed();  // what waited for its end need not wait longer
  api.engine.events.publish({.type = "freeze_changed",
                             .message = request.principal.name + " lifted a freeze",
                             .state = "lifted",
                             .request_id = request.id});
  return {204, {}, ""};
}

}  // namespace

void add_freeze_routes(http::Router& router, Api& api) {
  using http::Policy;
  router.on("GET", "/api/freezes", Policy::scope("read"),
            [&api](const Request& request) { return list(api, request); });
  router.on("POST", "/api/freezes", Policy::scope("approve"),
            [&api](const Request& request) { return create(api, request); });
  router.on("DELETE", "/api/freezes/{id}", Policy::scope("approve"),
            [&api](const Request& request) { return lift(api, request); });
}

}  // namespace rolesync::api
