// SPDX-License-Identifier: Apache-2.0
#include "server/api/audit.hpp"

#include "server/rollout/wall_clock.hpp"
#include "server/store/audit.hpp"

namespace rolesync::api {

Status audit(store::Session& session, const http::Request& request, const std::string& action,
             const std::string& subject, const Json& details) {
  store::AuditEntry entry;
  entry.at = rollout::now_millis();
  entry.actor = request.principal.name.empty() ? "anonymous" : request.principal.name;
  entry.action = action;
  entry.subject = subject;
  entry.details = to_text(details);
  entry.request_id = request.id;
  const auto written = store::append_audit(session, entry);
  return written ? Status{} : Status{written.error()};
}

}  // namespace rolesync::api
