// SPDX-License-Identifier: Apache-2.0
#include "server/api/restriction.hpp"

namespace rolesync::api {

Status check_own(const http::Principal& who, const std::string& node, const std::string& role) {
  if (who.may_act_on_node(node) && who.may_act_on_role(role)) return {};
  return Error{ErrorKind::denied, "token_restricted",
               "this token may not act on " + role + " on " + node,
               "leave it out, or use a token without that restriction"};
}

}  // namespace rolesync::api
