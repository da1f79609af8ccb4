// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/call_context.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace rolesync::plugin {

Result<Json> CallContext::service(std::string_view name, const Json& request) const {
  const std::string text(name);
  if (std::find(provided.needs.begin(), provided.needs.end(), text) == provided.needs.end()) {
    return Error{ErrorKind::invalid, "service_not_declared",
                 provided.kind + " " + provided.id + " calls " + text +
                     ", which is not in the needs of its descriptor",
                 "add it to .needs({...})"};
  }
  if (!services) {
    return Error{ErrorKind::failed, "service_unknown",
                 "this host offers no service " + text + " to this call"};
  }
  if (Clock::now() >= deadline && name != "job.cancelled") {
    return Error{ErrorKind::timeout, "plugin_timeout", "the time of this call is over"};
  }
  try {
    return services->call(name, request);
  } catch (const std::exception& thrown) {
    return Error{ErrorKind::failed, "service_failed",
                 "service " + text + " failed: " + thrown.what()};
  }
}

}  // namespace rolesync::plugin
