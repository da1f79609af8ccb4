// SPDX-License-Identifier: Apache-2.0
#include "server/api/authenticator.hpp"

#include "host/values/hash.hpp"
#include "host/values/secret.hpp"
#include "server/api/web_session.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/node_credentials.hpp"
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

// Why a credential that was good is no longer. The node's name is not a secret of its bearer.
Error ended(const store::NodeCredential& credential) {
  const std::string& node = credential.node;
  if (credential.reason == "node_revoked") {
    return {ErrorKind::unauthenticated, "node_revoked", "the node " + node + " was revoked",
            "join this machine again: rolesync token create --join " + node + " --rejoin"};
  }
  if (credential.reason == "node_deleted") {
    return {
        ErrorKind::unauthenticated, "node_deleted", "the node " + node + " was deleted",
        "join this machine again: rolesync token create --join " + node + "; or remove its agent"};
  }
  return {ErrorKind::unauthenticated, "credential_replaced",
          "this credential of node " + node + " was replaced by another",
          "another machine joined under this name, or this state directory is an old copy: join "
          "again"};
}

http::Principal as_node(const std::string& id) {
  return {http::Principal::Kind::node, id, id, {}, {}, {}};
}

// When a token was last used is told to the minute: not every request is a write. That it cannot be
// noted keeps nobody out.
http::Principal as_token(store::Store& store, const store::Token& token) {
  constexpr Millis exact_to = 60'000;
  const Millis now = rollout::now_millis();
  if (now - token.last_used_at.value_or(0) >= exact_to) {
    (void)store.write(
        [&](store::Session& session) { return store::note_token_use(session, token.id, now); });
  }
  return {
      http::Principal::Kind::token, token.id, token.name, token.scopes, token.roles, token.nodes};
}

// One that is not in use: pending ones are, from now on.
Result<http::Principal> other_credential(store::Store& store, const std::string& hash,
                                         const CredentialUsed& used, const http::Request& request) {
  const auto found = store.read([&](store::Session& s) { return store::find_credential(s, hash); });
  if (!found) return found.error();
  if (!*found) return wrong_token();
  const store::NodeCredential& credential = **found;
  if (credential.state != "pending") return ended(credential);
  const Millis now = rollout::now_millis();
  const auto done = store.write([&](store::Session& s) {
    return store::use_pending_credential(s, credential.node, hash, now);
  });
  if (!done) return done.error();
  if (*done) {
    if (used) used(credential.node, now, request);
    return as_node(credential.node);
  }
  // Another request was first: with this one, or with one that ended it.
  const auto node =
      store.read([&](store::Session& s) { return store::find_node_by_credential(s, hash); });
  return node ? Result<http::Principal>(as_node(node->id)) : wrong_token();
}

Result<http::Principal> node_principal(store::Store& store, const std::string& hash,
                                       const CredentialUsed& used, const http::Request& request) {
  const auto node =
      store.read([&](store::Session& s) { return store::find_node_by_credential(s, hash); });
  if (node) return as_node(node->id);
  if (node.error().kind != ErrorKind::not_found) return node.error();
  return other_credential(store, hash, used, request);
}

Result<http::Principal> session_principal(store::Store& store, const http::Request& request) {
  const std::string secret = session_secret(request);
  if (secret.empty()) return http::Principal{};
  const auto token = store.read([&](store::Session& s) {
    return store::find_token_by_web_session(s, sha256_hex(secret), rollout::now_millis());
  });
  if (!token) return token.error();
  if (Status ours = check_csrf(request, secret); !ours) return ours.error();
  return as_token(store, *token);
}

}  // namespace

std::string new_api_token() {
  return "rs_" + random_hex(32);
}

std::string new_node_credential() {
  return std::string(node_prefix) + random_hex(32);
}

http::Router::Authenticator authenticator(store::Store& store, CredentialUsed used) {
  return [&store, used = std::move(used)](const http::Request& request) -> Result<http::Principal> {
    const auto header = request.headers.find("authorization");
    if (header == request.headers.end()) return session_principal(store, request);
    constexpr std::string_view scheme = "Bearer ";
    if (!header->second.starts_with(scheme)) return wrong_token();
    const std::string secret = header->second.substr(scheme.size());
    const std::string hash = sha256_hex(secret);
    if (secret.starts_with(node_prefix)) return node_principal(store, hash, used, request);
    const auto token = store.read([&](store::Session& s) {
      return store::find_token_by_hash(s, hash, rollout::now_millis());
    });
    if (!token) {
      return token.error().kind == ErrorKind::unauthenticated ? wrong_token() : token.error();
    }
    return as_token(store, *token);
  };
}

}  // namespace rolesync::api
