// SPDX-License-Identifier: Apache-2.0
// /api/tokens and /api/join-tokens: secrets are shown once and stored as hashes only.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/values/hash.hpp"
#include "host/values/secret.hpp"
#include "server/api/api.hpp"
#include "server/api/audit.hpp"
#include "server/api/authenticator.hpp"
#include "server/api/body.hpp"
#include "server/api/shapes.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/tokens.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

const std::set<std::string> known_scopes = {"read",         "sync",  "approve", "rollback",
                                            "role:command", "admin", "notify"};

Response make_token(Api& api, const Request& request) {
  const auto body = read_object(request);
  if (!body) return refuse(body.error());
  Fields fields(*body);
  store::Token token;
  token.name = fields.name("name");
  const auto scopes = fields.texts("scopes");
  const auto seconds = fields.number("valid_seconds", 60, std::int64_t{100} * 366 * 86'400);
  if (!scopes || scopes->empty()) fields.fault("/scopes", "needs at least one scope");
  for (std::size_t i = 0; scopes && i < scopes->size(); ++i) {
    if (!known_scopes.contains((*scopes)[i])) {
      fields.fault("/scopes/" + std::to_string(i), "is not a scope");
    }
  }
  if (Status valid = fields.finish(); !valid) return refuse(valid.error());

  const std::string secret = new_api_token();
  token.id = new_id("tok");
  token.hash = sha256_hex(secret);
  token.scopes = {scopes->begin(), scopes->end()};
  token.created_by = request.principal.name;
  token.created_at = rollout::now_millis();
  if (seconds) token.expires_at = token.created_at + *seconds * 1000;
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    if (Status added = store::add_token(session, token); !added) return added;
    return audit(session, request, "token.create", "token/" + token.id,
                 {{"name", token.name}, {"scopes", token.scopes}});
  });
  if (!written) return refuse(written.error());
  return json_answer(201, {{"id", token.id},
                           {"name", token.name},
                           {"scopes", token.scopes},
                           {"token", secret},
                           {"expires_at", time_json(token.expires_at)}});
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

Response make_join_token(Api& api, const Request& request) {
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
  return json_answer(201, {{"token", "rsj." + secret + "." + (pin.empty() ? "-" : pin)},
                           {"node_id", token.node_id},
                           {"rejoin", token.rejoin},
                           {"expires_at", to_rfc3339(token.expires_at)}});
}

}  // namespace

void add_token_routes(http::Router& router, Api& api) {
  using http::Policy;
  router.on("POST", "/api/tokens", Policy::scope("admin"),
            [&api](const Request& request) { return make_token(api, request); });
  router.on("POST", "/api/join-tokens", Policy::scope("admin"),
            [&api](const Request& request) { return make_join_token(api, request); });
}

}  // namespace rolesync::api
