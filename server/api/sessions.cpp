// SPDX-License-Identifier: Apache-2.0
// /api/session: a browser gives its token once and gets a cookie instead.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/values/hash.hpp"
#include "host/values/secret.hpp"
#include "server/api/api.hpp"
#include "server/api/audit.hpp"
#include "server/api/body.hpp"
#include "server/api/shapes.hpp"
#include "server/api/web_session.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/web_sessions.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

constexpr Millis session_millis = 12 * Millis{3'600'000};

// Who has the secret of a token may know what became of it.
Error why_refused(store::Session& session, const std::string& hash) {
  const auto token = store::find_token_in_any_state(session, hash);
  if (!token && token.error().kind != ErrorKind::not_found) return token.error();
  if (!token) {
    return {ErrorKind::unauthenticated, "invalid_token", "this server does not know the token",
            "copy the whole token, it begins with rs_; `rolesync token create` makes one"};
  }
  if (token->revoked_at) {
    return {ErrorKind::unauthenticated, "token_revoked",
            "this token was revoked at " + to_rfc3339(*token->revoked_at),
            "ask an administrator for a new one: rolesync token create NAME --scope read"};
  }
  return {ErrorKind::unauthenticated, "token_expired",
          "this token expired at " + to_rfc3339(token->expires_at.value_or(0)),
          "ask an administrator for a new one: rolesync token create NAME --scope read"};
}

Json session_json(const std::string& name, const std::set<std::string>& scopes) {
  return {{"name", name}, {"scopes", scopes}};
}

Response log_in(Api& api, const Request& request) {
  const auto body = read_object(request);
  if (!body) return refuse(body.error());
  Fields fields(*body);
  const std::string text = fields.required_text("token");
  if (Status valid = fields.finish(); !valid) return refuse(valid.error());

  const std::string secret = random_hex(32);
  const Millis now = rollout::now_millis();
  store::Token token;
  Millis end = now + session_millis;
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    const std::string hash = sha256_hex(text);
    const auto found = store::find_token_by_hash(session, hash, now);
    if (!found) {
      if (found.error().kind != ErrorKind::unauthenticated) return found.error();
      return why_refused(session, hash);
    }
    token = *found;
    end = std::min(now + session_millis, token.expires_at.value_or(now + session_millis));
    if (Status added = store::add_web_session(session, {sha256_hex(secret), token.id, now, end});
        !added) {
      return added;
    }
    Request as_token = request;
    as_token.principal.name = token.name;
    return audit(session, as_token, "session.create", "token/" + token.id, Json::object());
  });
  if (!written) return refuse(written.error());
  Json answer = session_json(token.name, token.scopes);
  answer["csrf_token"] = csrf_token(secret);
  answer["expires_at"] = to_rfc3339(end);
  Response response = json_answer(201, answer);
  response.headers["Set-Cookie"] = session_cookie(secret, api.options.parts.certificate != nullptr);
  return response;
}

Response show(Api& api, const Request& request) {
  const std::string secret = session_secret(request);
  Json answer = session_json(request.principal.name, request.principal.scopes);
  answer["csrf_token"] = Json();
  answer["expires_at"] = Json();
  if (!secret.empty() && !request.headers.contains("authorization")) {
    const auto token = api.engine.store.read([&](store::Session& session) {
      return store::find_token_by_web_session(session, sha256_hex(secret), rollout::now_millis());
    });
    if (!token) return refuse(token.error());
    answer["csrf_token"] = csrf_token(secret);
    answer["expires_at"] = time_json(token->expires_at);
  }
  return json_answer(200, answer);
}

Response log_out(Api& api, const Request& request) {
  const std::string secret = session_secret(request);
  if (!secret.empty()) {
    const Status written = api.engine.store.write([&](store::Session& session) -> Status {
      if (Status gone = store::remove_web_session(session, sha256_hex(secret)); !gone) return gone;
      return audit(session, request, "session.end", "token/" + request.principal.id,
                   Json::object());
    });
    if (!written) return refuse(written.error());
  }
  return {204, {{"Set-Cookie", session_cookie("", api.options.parts.certificate != nullptr)}}, ""};
}

}  // namespace

void add_session_routes(http::Router& router, Api& api) {
  using http::Policy;
  router.on("POST", "/api/session", Policy::open(),
            [&api](const Request& request) { return log_in(api, request); });
  router.on("GET", "/api/session", Policy::any_token(),
            [&api](const Request& request) { return show(api, request); });
  router.on("DELETE", "/api/session", Policy::any_token(),
            [&api](const Request& request) { return log_out(api, request); });
}

}  // namespace rolesync::api
