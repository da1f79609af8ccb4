// SPDX-License-Identifier: Apache-2.0
#include "server/http/router.hpp"

namespace rolesync::http {
namespace {

Error login_required() {
  return {ErrorKind::unauthenticated, "login_required", "This needs a token",
          "send Authorization: Bearer <token>"};
}

}  // namespace

bool Principal::has(const std::string& scope) const {
  return kind == Kind::token &&
         (scopes.contains(scope) || (scope != "role:command" && scopes.contains("admin")));
}

bool Principal::may_act_on_role(const std::string& role) const {
  return roles.empty() || roles.contains(role);
}

bool Principal::may_act_on_node(const std::string& node) const {
  return nodes.empty() || nodes.contains(node);
}

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

Policy Policy::on_node(std::string parameter) const {
  Policy policy = *this;
  policy.node_parameter_ = std::move(parameter);
  return policy;
}
Policy Policy::on_role(std::string parameter) const {
  Policy policy = *this;
  policy.role_parameter_ = std::move(parameter);
  return policy;
}
Policy Policy::checked_inside() const {
  Policy policy = *this;
  policy.checked_inside_ = true;
  return policy;
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
  if (kind_ == Kind::any_node && is_node) return {};
  if (who.has(scope_)) return check_restriction(who, request);
  return Error{ErrorKind::denied, "scope_missing", "This needs a token with the scope " + scope_,
               "ask an administrator for a token with that scope"};
}

// Reading is not restricted: a plan or a job speaks of many nodes and roles.
Status Policy::check_restriction(const Principal& who, const Request& request) const {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (!who.restricted() || reads || checked_inside_) return {};
  const auto named = [&](const std::string& parameter, const std::set<std::string>& allowed) {
    const auto value = request.parameters.find(parameter);
    return allowed.empty() ||
           (value != request.parameters.end() && allowed.contains(value->second));
  };
  if (named(node_parameter_, who.nodes) && named(role_parameter_, who.roles)) return {};
  return Error{ErrorKind::denied, "token_restricted",
               "This token may act on some nodes or roles only, and this is not one of them",
               "use a token without that restriction"};
}

std::string Policy::text() const {
  if (kind_ == Kind::scope) {
    std::string text = "scope " + scope_;
    if (checked_inside_) return text + ", objects checked inside";
    if (!node_parameter_.empty()) text += " on node {" + node_parameter_ + "}";
    if (!role_parameter_.empty()) text += " on role {" + role_parameter_ + "}";
    return text;
  }
  switch (kind_) {
    case Kind::open:
      return "open";
    case Kind::any_token:
      return "any token";
    case Kind::node:
      return "node";
    case Kind::any_node:
      return "any node or scope read";
    case Kind::signature:
    case Kind::scope:
      break;
  }
  return "signature";
}

}  // namespace rolesync::http
