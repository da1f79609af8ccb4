// SPDX-License-Identifier: Apache-2.0
// The audit entry of a change, written in the change's own transaction.
#pragma once
#include <string>

#include "host/values/json.hpp"
#include "server/http/router.hpp"
#include "server/store/session.hpp"

namespace rolesync::api {

Status audit(store::Session& session, const http::Request& request, const std::string& action,
             const std::string& subject, const Json& details);

}  // namespace rolesync::api
