// SPDX-License-Identifier: Apache-2.0
#include "server/api/node_identity.hpp"

#include <nlohmann/json.hpp>

#include "host/values/secret.hpp"
#include "server/api/audit.hpp"
#include "server/api/body.hpp"
#include "server/api/shapes.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/node_credentials.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;
using rollout::NodeIdentity;

constexpr std::size_t longest_reason = 500;

Error unknown_node(const std::string& id) {
  return {ErrorKind::not_found, "unknown_node", "there is no node \"" + id + "\"",
          "see GET /api/nodes for the nodes there are"};
}

// The agent makes the new credential itself, and the server learns its hash only: a secret in a
// command would stand in the database.
Response rotate(Api& api, const Request& request) {
  const std::string id = request.parameters.at("id");
  const auto node = api.engine.nodes.find(id);
  if (!node) return refuse(unknown_node(id));
  if (node->identity.revoked_at) {
    return refuse({ErrorKind::conflict, "node_revoked", "the node " + id + " was revoked",
                   "only joining again gives it a credential"});
  }
  store::CommandRecord command;
  command.id = new_id("cmd");
  command.node = id;
  command.kind = "rotate_credential";
  command.request_id = request.id;
  command.created_at = rollout::now_millis();
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    if (Status noted = store::set_rotation_requested(session, id, command.created_at); !noted) {
      return noted;
    }
    if (Status added = store::add_command(session, command); !added) return added;
    return audit(session, request, "node.rotate_credential", "node/" + id, Json::object());
  });
  if (!written) return refuse(written.error());
  api.engine.nodes.change_identity(
      id, [&](NodeIdentity& identity) { identity.rotation_requested_at = command.created_at; });
  api.engine.commands.announce({command});
  return json_answer(202, {{"node_id", id}, {"command_id", command.id}});
}

bool is_sha256(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// An agent tells of its next credential. Told by that one itself, it is in use already.
Response introduce(Api& api, const Request& request) {
  const std::string id = request.parameters.at("id");
  const auto body = read_object(request);
  if (!body) return refuse(body.error());
  Fields fields(*body);
  const std::string hash = fields.required_text("credential_sha256");
  if (!hash.empty() && !is_sha256(hash)) {
    fields.fault("/credential_sha256", "must be 64 lower-case hex digits");
  }
  if (Status valid = fields.finish(); !valid) return refuse(valid.error());
  const Millis now = rollout::now_millis();
  const auto in_use = api.engine.store.write([&](store::Session& session) -> Result<bool> {
    const auto node = store::find_node(session, id);
    if (!node) return node.error();
    if (node->credential_hash == hash) return true;
    const Status added = store::add_pending_credential(session, id, hash, now);
    if (!added) return added.error();
    return false;
  });
  if (!in_use) return refuse(in_use.error());
  if (!*in_use) {
    api.engine.nodes.change_identity(id,
                                     [&](NodeIdentity& identity) { identity.pending_at = now; });
  }
  return json_answer(200, {{"state", *in_use ? "current" : "pending"}});
}

// Whoever is connected as this node learns at once that it is no longer.
void send_away(Api& api, const std::string& id, const char* reason, const std::string& what,
               const std::string& request_id) {
  api.engine.commands.forget_node(id);
  api.engine.heartbeats.dismiss(id, {ErrorKind::unauthenticated, reason, "the node " + id + what,
                                     "join this machine again with a new token"});
  api.engine.events.publish({.type = "node_changed",
                             .message = "node " + id + what,
                             .node = id,
                             .state = "revoked",
                             .reason = reason,
                             .request_id = request_id});
}

Response revoke(Api& api, const Request& request) {
  const std::string id = request.parameters.at("id");
  const auto body = read_object(request);
  if (!body) return refuse(body.error());
  Fields fields(*body);
  const std::string reason = fields.text("reason");
  if (reason.size() > longest_reason) fields.fault("/reason", "must hold at most 500 characters");
  if (Status valid = fields.finish(); !valid) return refuse(valid.error());
  const auto node = api.engine.nodes.find(id);
  if (!node) return refuse(unknown_node(id));
  const Millis now = rollout::now_millis();
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    if (Status gone = store::revoke_node(session, id, reason, now); !gone) return gone;
    if (Status gone = store::withdraw_commands_of_node(session, id, now); !gone) return gone;
    return audit(session, request, "node.revoke", "node/" + id, {{"reason", reason}});
  });
  if (!written) return refuse(written.error());
  api.engine.nodes.change_identity(id, [&](NodeIdentity& identity) {
    if (!identity.revoked_at) identity.revoked_at = now;
    identity.revoked_reason = reason;
    identity.pending_at.reset();
    identity.rotation_requested_at.reset();
    identity.clone.reset();
  });
  send_away(api, id, "node_revoked", " was revoked", request.id);
  const auto after = api.engine.nodes.find(id);
  return after ? json_answer(200, node_json(*after)) : refuse(unknown_node(id));
}

Response remove(Api& api, const Request& request) {
  const std::string id = request.parameters.at("id");
  if (!api.engine.nodes.find(id)) return refuse(unknown_node(id));
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    if (Status gone = store::delete_node(session, id, rollout::now_millis()); !gone) return gone;
    return audit(session, request, "node.delete", "node/" + id, Json::object());
  });
  if (!written) return refuse(written.error());
  api.engine.nodes.remove(id);
  send_away(api, id, "node_deleted", " was deleted", request.id);
  return {204, {}, ""};
}

}  // namespace

void credential_used(Api& api, const std::string& node, Millis at, const Request& request) {
  api.engine.nodes.change_identity(node, [&](NodeIdentity& identity) {
    identity.credential_at = at;
    identity.pending_at.reset();
    identity.rotation_requested_at.reset();
  });
  api.engine.events.publish({.type = "credential_replaced",
                             .message = "node " + node + " uses a new credential",
                             .node = node,
                             .request_id = request.id});
}

void add_node_identity_routes(http::Router& router, Api& api) {
  using http::Policy;
  router.on("POST", "/api/nodes/{id}/rotate-credential", Policy::scope("admin").on_node(),
            [&api](const Request& request) { return rotate(api, request); });
  router.on("POST", "/api/nodes/{id}/credential", Policy::node(),
            [&api](const Request& request) { return introduce(api, request); });
  router.on("POST", "/api/nodes/{id}/revoke", Policy::scope("admin").on_node(),
            [&api](const Request& request) { return revoke(api, request); });
  router.on("DELETE", "/api/nodes/{id}", Policy::scope("admin").on_node(),
            [&api](const Request& request) { return remove(api, request); });
}

}  // namespace rolesync::api
