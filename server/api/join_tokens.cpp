// SPDX-License-Identifier: Apache-2.0
// /api/join-tokens: one-time tokens with which a machine becomes a node.
#include <nlohmann/json.hpp>

#include "host/values/hash.hpp"
#include "host/values/secret.hpp"
#include "server/api/api.hpp"
#include "server/api/audit.hpp"
#include "server/api/body.hpp"
#include "server/api/list_query.hpp"
#include "server/api/shapes.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/tokens.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

const char* state_of(const store::JoinToken& token, Millis now) {
  if (token.used_at) return "used";
  if (token.revoked_at) return "revoked";
  return token.expires_at <= now ? "expired" : "open";
}

Json join_token_json(const store::JoinToken& token) {
  return {{"id", token.id},
          {"node_id", token.node_id},
          {"rejoin", token.rejoin},
          {"state", state_of(token, rollout::now_millis())},
          {"created_by", token.created_by},
          {"created_at", to_rfc3339(token.created_at)},
          {"expires_at", to_rfc3339(token.expires_at)},
          {"used_at", time_json(token.used_at)},
          {"revoked_at", time_json(token.revoked_at)}};
}

// Said when the token is made, and again when it is used: a name may be taken in between.
Status check_rejoin(const Api& api, const store::JoinToken& token) {
  const bool known = api.engine.nodes.find(token.node_id) != nullptr;
  if (known && !token.rejoin) {
    return Error{ErrorKind::conflict, "node_exists",
                 "a node \"" + token.node_id + "\" exists already",
                 "ask for rejoin if a machine shall take its place; else choose another name, or "
                 "remove the old node first"};
  }
  if (!known && token.rejoin) {
    return Error{ErrorKind::not_found, "unknown_node",
                 "there is no node \"" + token.node_id + "\" that could join again",
                 "leave out rejoin"};
  }
  return {};
}

Response create(Api& api, const Request& request) {
  const auto body = read_object(request);
  if (!body) return refuse(body.error());
  Fields fields(*body);
  store::JoinToken token;
  token.node_id = fields.name("node_id");
  token.rejoin = fields.flag("rejoin");
  const auto seconds = fields.number("valid_seconds", 60, 604'800);
  if (Status valid = fields.finish(); !valid) return refuse(valid.error());

  if (Status fits = check_rejoin(api, token); !fits) return refuse(fits.error());
  const std::string secret = random_hex(24);
  token.id = new_id("join");
  token.hash = sha256_hex(secret);
  token.created_by = request.principal.name;
  token.created_at = rollout::now_millis();
  token.expires_at = token.created_at + seconds.value_or(3600) * 1000;
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    if (Status added = store::add_join_token(session, token); !added) return added;
    return audit(session, request, "join_token.create", "node/" + token.node_id,
                 {{"rejoin", token.rejoin}});
  });
  if (!written) return refuse(written.error());
  const auto* certificate = api.options.parts.certificate;
  const std::string pin = certificate ? certificate->state().fingerprint : "";
  Json answer = join_token_json(token);
  answer["token"] = "rsj." + secret + "." + (pin.empty() ? "-" : pin);
  return json_answer(201, answer);
}

Response list(Api& api, const Request& request) {
  static const ListRules rules = rules_of(store::join_token_list(), "-created_at");
  const auto page = read_page(request, rules);
  if (!page) return refuse(page.error());
  const auto tokens =
      api.engine.store.read([&](store::Session& s) { return store::list_join_tokens(s, *page); });
  if (!tokens) return refuse(tokens.error());
  return json_answer(200, list_json("join_tokens", *page, *tokens, join_token_json));
}

Response revoke(Api& api, const Request& request) {
  const std::string id = request.parameters.at("id");
  const auto token =
      api.engine.store.write([&](store::Session& session) -> Result<store::JoinToken> {
        auto gone = store::revoke_join_token(session, id, rollout::now_millis());
        if (!gone) return gone;
        Status audited =
            audit(session, request, "join_token.revoke", "node/" + gone->node_id, {{"id", id}});
        if (!audited) return audited.error();
        return gone;
      });
  return token ? json_answer(200, join_token_json(*token)) : refuse(token.error());
}

}  // namespace

void add_join_token_routes(http::Router& router, Api& api) {
  using http::Policy;
  router.on("GET", "/api/join-tokens", Policy::scope("admin"),
            [&api](const Request& request) { return list(api, request); });
  router.on("POST", "/api/join-tokens", Policy::scope("admin"),
            [&api](const Request& request) { return create(api, request); });
  router.on("DELETE", "/api/join-tokens/{id}", Policy::scope("admin"),
            [&api](const Request& request) { return revoke(api, request); });
}

}  // namespace rolesync::api
