// SPDX-License-Identifier: Apache-2.0
#include "server/api/authenticator.hpp"

#include "host/values/hash.hpp"
#include "host/values/secret.hpp"
#include "server/api/web_session.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/nodes.hpp"
#include "server/store/tokens.hpp"
#include "server/store/web_sessions.hpp"

namespace rolesync::api {
namespace {

constexpr std::string_view node_prefix = "rsn_";

Error wrong_token() {
  return {ErrorKind::unauthenticated, "invalid_token",
          "the token is not known here, was revoked, or has expired",
          "ask an administrator for a new one"};
}

Result<http::Principal> node_principal(store::Store& store, const std::string& hash) {
  const auto node =
      store.read([&](store::Session& s) { return store::find_node_by_credential(s, hash); });
  if (!node && node.error().kind != ErrorKind::not_found &&
      node.error().kind != ErrorKind::unauthenticated) {
    return node.error();
  }
  if (!node || node->revoked_at) return wrong_token();
  return http::Principal{http::Principal::Kind::node, node->id, node->id, {}};
}

Result<http::Principal> session_principal(store::Store& store, const http::Request& request) {
  const std::string secret = session_secret(request);
  if (secret.empty()) return http::Principal{};
  const auto token = store.read([&](store::Session& s) {
    return store::find_token_by_web_session(s, sha256_hex(secret), rollout::now_millis());
  });
  if (!token) return token.error();
  if (Status ours = check_csrf(request, secret); !ours) return ours.error();
  return http::Principal{http::Principal::Kind::token, token->id, token->name, token->scopes};
}

}  // namespace

std::string new_api_token() {
  return "rs_" + random_hex(32);
}

std::string new_node_credential() {
  return std::string(node_prefix) + random_hex(32);
}

http::Router::Authenticator authenticator(store::Store& store) {
  return [&store](const http::Request& request) -> Result<http::Principal> {
    const auto header = request.headers.find("authorization");
    if (header == request.headers.end()) return session_principal(store, request);
    constexpr std::string_view scheme = "Bearer ";
    if (!header->second.starts_with(scheme)) return wrong_token();
    const std::string secret = header->second.substr(scheme.size());
    const std::string hash = sha256_hex(secret);
    if (secret.starts_with(node_prefix)) return node_principal(store, hash);
    const auto token = store.read([&](store::Session& s) {
      return store::find_token_by_hash(s, hash, rollout::now_millis());
    });
    if (!token) {
      return token.error().kind == ErrorKind::unauthenticated ? wrong_token() : token.error();
    }
    return http::Principal{http::Principal::Kind::token, token->id, token->name, token->scopes};
  };
}

}  // namespace rolesync::api
