// SPDX-License-Identifier: Apache-2.0
// /api/tokens: who may call. Secrets are shown once and stored as hashes only.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/values/hash.hpp"
#include "host/values/secret.hpp"
#include "server/api/api.hpp"
#include "server/api/audit.hpp"
#include "server/api/authenticator.hpp"
#include "server/api/body.hpp"
#include "server/api/list_query.hpp"
#include "server/api/shapes.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/tokens.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

const std::set<std::string> known_scopes = {"read",         "sync",  "approve", "rollback",
                                            "role:command", "admin", "notify"};

const char* state_of(const store::Token& token, Millis now) {
  if (token.revoked_at) return "revoked";
  return token.expires_at && *token.expires_at <= now ? "expired" : "active";
}

Json token_json(const store::Token& token) {
  return {{"id", token.id},
          {"name", token.name},
          {"state", state_of(token, rollout::now_millis())},
          {"scopes", token.scopes},
          {"roles", token.roles},
          {"nodes", token.nodes},
          {"created_by", token.created_by},
          {"created_at", to_rfc3339(token.created_at)},
          {"expires_at", time_json(token.expires_at)},
          {"last_used_at", time_json(token.last_used_at)},
          {"revoked_at", time_json(token.revoked_at)},
          {"revoked_by", text_or_null(token.revoked_by)}};
}

// Nobody gives away what they do not have.
void check_scopes(Fields& fields, const Request& request, const std::vector<std::string>& scopes) {
  for (std::size_t i = 0; i < scopes.size(); ++i) {
    const std::string pointer = "/scopes/" + std::to_string(i);
    if (!known_scopes.contains(scopes[i])) {
      fields.fault(pointer, "is not a scope");
    } else if (!request.principal.has(scopes[i])) {
      fields.fault(pointer, "is a scope that your own token does not have");
    }
  }
}

Response create(Api& api, const Request& request) {
  const auto body = read_object(request);
  if (!body) return refuse(body.error());
  Fields fields(*body);
  store::Token token;
  token.name = fields.name("name");
  const auto scopes = fields.texts("scopes").value_or(std::vector<std::string>{});
  const auto roles = fields.names("roles").value_or(std::vector<std::string>{});
  const auto nodes = fields.names("nodes").value_or(std::vector<std::string>{});
  const auto seconds = fields.number("valid_seconds", 60, std::int64_t{100} * 366 * 86'400);
  if (scopes.empty()) fields.fault("/scopes", "needs at least one scope");
  check_scopes(fields, request, scopes);
  if (Status valid = fields.finish(); !valid) return refuse(valid.error());

  const std::string secret = new_api_token();
  token.id = new_id("tok");
  token.hash = sha256_hex(secret);
  token.scopes = {scopes.begin(), scopes.end()};
  token.roles = {roles.begin(), roles.end()};
  token.nodes = {nodes.begin(), nodes.end()};
  token.created_by = request.principal.name;
  token.created_at = rollout::now_millis();
  if (seconds) token.expires_at = token.created_at + *seconds * 1000;
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    if (Status added = store::add_token(session, token); !added) return added;
    return audit(session, request, "token.create", "token/" + token.id,
                 {{"name", token.name},
                  {"scopes", token.scopes},
                  {"roles", token.roles},
                  {"nodes", token.nodes}});
  });
  if (!written) return refuse(written.error());
  Json answer = token_json(token);
  answer["token"] = secret;
  return json_answer(201, answer);
}

Response list(Api& api, const Request& request) {
  static const ListRules rules = rules_of(store::token_list(), "created_at");
  const auto page = read_page(request, rules);
  if (!page) return refuse(page.error());
  const auto tokens =
      api.engine.store.read([&](store::Session& s) { return store::list_tokens(s, *page); });
  if (!tokens) return refuse(tokens.error());
  return json_answer(200, list_json("tokens", *page, *tokens, token_json));
}

Response show(Api& api, const std::string& id) {
  const auto token =
      api.engine.store.read([&](store::Session& s) { return store::find_token(s, id); });
  return token ? json_answer(200, token_json(*token)) : refuse(token.error());
}

// A token that is revoked stays in the list: the audit log names it.
Response revoke(Api& api, const Request& request) {
  const std::string id = request.parameters.at("id");
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    const Status gone =
        store::revoke_token(session, id, request.principal.name, rollout::now_millis());
    if (!gone) return gone;
    return audit(session, request, "token.revoke", "token/" + id, Json::object());
  });
  return written ? show(api, id) : refuse(written.error());
}

}  // namespace

void add_token_routes(http::Router& router, Api& api) {
  using http::Policy;
  router.on("GET", "/api/tokens", Policy::scope("admin"),
            [&api](const Request& request) { return list(api, request); });
  router.on("POST", "/api/tokens", Policy::scope("admin"),
            [&api](const Request& request) { return create(api, request); });
  router.on("GET", "/api/tokens/{id}", Policy::scope("admin"),
            [&api](const Request& request) { return show(api, request.parameters.at("id")); });
  router.on("DELETE", "/api/tokens/{id}", Policy::scope("admin"),
            [&api](const Request& request) { return revoke(api, request); });
}

}  // namespace rolesync::api
