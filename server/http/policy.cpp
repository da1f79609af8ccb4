// SPDX-License-Identifier: Apache-2.0
#include "server/http/router.hpp"

namespace rolesync::http {
namespace {

Error login_required() {
  return {ErrorKind::unauthenticated, "login_required", "This needs a token",
          "send Authorization: Bearer <token>"};
}

bool has_scope(const Principal& who, const std::string& scope) {
  return who.kind == Principal::Kind::token &&
         (who.scopes.contains(scope) || who.scopes.contains("admin"));
}

}  // namespace

Policy Policy::open() {
  return {Kind::open, ""};
}
Policy Policy::scope(std::string name) {
  return {Kind::scope, std::move(name)};
}
Policy Policy::any_token() {
  return {Kind::any_token, ""};
}
Policy Policy::node() {
  return {Kind::node, ""};
}
Policy Policy::any_node() {
  return {Kind::any_node, "read"};
}
Policy Policy::signature() {
  return {Kind::signature, ""};
}

bool Policy::needs_login() const {
  return kind_ != Kind::open && kind_ != Kind::signature;
}

Status Policy::check(const Principal& who, const Request& request) const {
  if (!needs_login()) return {};
  if (who.kind == Principal::Kind::anonymous) return login_required();
  const bool is_node = who.kind == Principal::Kind::node;
  if (kind_ == Kind::node) {
    const auto id = request.parameters.find("id");
    if (is_node && id != request.parameters.end() && id->second == who.id) return {};
    return Error{ErrorKind::denied, "other_node", "Only the node itself may do this",
                 "use the credential that this node got when it joined"};
  }
  if (kind_ == Kind::any_token) {
    if (!is_node) return {};
    return Error{ErrorKind::denied, "scope_missing", "This needs an API token",
                 "a node's credential does not do"};
  }
  if ((kind_ == Kind::any_node && is_node) || has_scope(who, scope_)) return {};
  return Error{ErrorKind::denied, "scope_missing", "This needs a token with the scope " + scope_,
               "ask an administrator for a token with that scope"};
}

std::string Policy::text() const {
  switch (kind_) {
    case Kind::open:
      return "open";
    case Kind::scope:
      return "scope " + scope_;
    case Kind::any_token:
      return "any token";
    case Kind::node:
      return "node";
    case Kind::any_node:
      return "any node or scope read";
    case Kind::signature:
      break;
  }
  return "signature";
}

}  // namespace rolesync::http
