// SPDX-License-Identifier: Apache-2.0
// What agents call: join, heartbeat, task events (docs/protocol.md).
#include <nlohmann/json.hpp>

#include "host/values/hash.hpp"
#include "host/values/names.hpp"
#include "server/api/api.hpp"
#include "server/api/audit.hpp"
#include "server/api/authenticator.hpp"
#include "server/api/body.hpp"
#include "server/rollout/task_events.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/node_credentials.hpp"
#include "server/store/roles.hpp"
#include "server/store/tokens.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

constexpr int longest_wait_seconds = 60;

// "rsj.<secret>.<pin>"
std::string secret_of(const std::string& token) {
  const auto first = token.find('.'), last = token.rfind('.');
  if (!token.starts_with("rsj.") || last <= first) return {};
  return token.substr(first + 1, last - first - 1);
}

struct Joined {
  store::Node node;
  std::set<std::string> assigned;
  bool again = false;
};

Error node_exists(const std::string& id) {
  return {ErrorKind::conflict, "node_exists", "a node \"" + id + "\" exists already",
          "if this machine replaces it: rolesync token create --join " + id +
              " --rejoin; else choose another name, or remove the old node first"};
}

// A node that was there before (a machine installed anew, a revoked one) keeps its roles and
// releases; until its new credential is used the old one is good too, unless it was revoked.
Result<Joined> enrol(store::Session& session, const store::Node& fresh, bool rejoin) {
  const auto known = store::find_node(session, fresh.id);
  if (!known && known.error().kind != ErrorKind::not_found) return known.error();
  if (known && !rejoin) return node_exists(fresh.id);
  Status written;
  if (known) {
    written = store::rejoin_node(session, fresh.id);
    if (written) {
      written =
          store::add_pending_credential(session, fresh.id, fresh.credential_hash, fresh.created_at);
    }
  } else {
    written = store::add_node(session, fresh);
  }
  if (!written) return written.error();
  const auto node = store::find_node(session, fresh.id);
  if (!node) return node.error();
  const auto assigned = store::assignments_of(session, fresh.id);
  if (!assigned) return assigned.error();
  Joined joined{*node, {}, known.ok()};
  for (const auto& assignment : *assigned) joined.assigned.insert(assignment.role);
  return joined;
}

Response join(Api& api, const Request& request) {
  const auto body = read_object(request);
  if (!body) return refuse(body.error());
  Fields fields(*body);
  const std::string token = fields.required_text("token");
  store::Node node;
  node.id = fields.name("node_id");
  node.agent_version = fields.text("agent_version");
  node.boot_id = fields.text("boot_id");
  const std::string hostname = fields.text("hostname");
  if (Status valid = fields.finish(); !valid) return refuse(valid.error());

  const std::string credential = new_node_credential();
  node.credential_hash = sha256_hex(credential);
  node.created_at = node.credential_at = rollout::now_millis();
  node.os_info = to_text({{"hostname", hostname}});
  const auto joined = api.engine.store.write([&](store::Session& session) -> Result<Joined> {
    const auto rejoin =
        store::use_join_token(session, sha256_hex(secret_of(token)), node.id, node.created_at);
    if (!rejoin) return rejoin.error();
    auto enrolled = enrol(session, node, *rejoin);
    if (!enrolled) return enrolled;
    const Status audited =
        audit(session, request, enrolled->again ? "node.rejoin" : "node.join", "node/" + node.id,
              {{"hostname", hostname}, {"peer", request.peer}});
    if (!audited) return audited.error();
    return enrolled;
  });
  if (!joined) return refuse(joined.error());
  api.engine.nodes.put(joined->node, joined->assigned);
  if (joined->again) {
    api.engine.nodes.change_identity(
        node.id, [&](rollout::NodeIdentity& identity) { identity.pending_at = node.created_at; });
  }
  api.engine.events.publish(
      {.type = "node_joined",
       .message = "node " + node.id + (joined->again ? " joined again" : " joined"),
       .node = node.id,
       .request_id = request.id});
  return json_answer(
      201, {{"node_id", node.id},
            {"credential", credential},
            {"heartbeat_interval_seconds", api.engine.options.heartbeat_interval_seconds}});
}

void heartbeat(Api& api, const Request& request, std::shared_ptr<http::Reply> reply) {
  const auto wait = query_number(request, "wait", 0, 0, longest_wait_seconds);
  if (!wait) {
    return reply->send(refuse({ErrorKind::invalid, "invalid_query", "wait must be 0 to 60", ""}));
  }
  const auto beat = rollout::parse_heartbeat(request.body);
  if (!beat) return reply->send(refuse(beat.error()));
  if (!beat->task_events.empty()) {
    const auto events =
        rollout::parse_task_event_list(beat->task_events, beat->boot_id, rollout::now_millis());
    if (!events) return reply->send(refuse(events.error()));
    const Status taken = api.engine.take_events(request.parameters.at("id"), *events);
    if (!taken) return reply->send(refuse(taken.error()));
  }
  api.engine.heartbeats.take(request, *beat, *wait, std::move(reply));
}

Response task_events(Api& api, const Request& request) {
  const std::string node = request.parameters.at("id");
  const Millis now = rollout::now_millis();
  const auto events = rollout::parse_task_events(request.body, now);
  if (!events) return refuse(events.error());
  api.engine.nodes.touch(node, now);
  if (Status taken = api.engine.take_events(node, *events); !taken) {
    return refuse(taken.error());
  }
  return json_answer(200, {{"accepted", events->size()}});
}

}  // namespace

void add_agent_routes(http::Router& router, Api& api) {
  using http::Policy;
  http::RouteOptions large;
  large.max_body = 4 << 20;
  router.on("POST", "/api/join", Policy::open(),
            [&api](const Request& request) { return join(api, request); });
  router.on_waiting(
      "POST", "/api/nodes/{id}/heartbeat", Policy::node(),
      [&api](const Request& request, std::shared_ptr<http::Reply> reply) {
        heartbeat(api, request, std::move(reply));
      },
      large);
  router.on(
      "POST", "/api/nodes/{id}/task-events", Policy::node(),
      [&api](const Request& request) { return task_events(api, request); }, large);
}

}  // namespace rolesync::api
