// SPDX-License-Identifier: Apache-2.0
// What a plugin may ask of its host during one call: facts about the node and actions on it, by
// name, JSON both ways. The names a plugin uses stand in the `needs` of its descriptor. The list of
// services, with request and reply shapes, is docs/plugin-services.md.
#pragma once
#include <atomic>
#include <string_view>

#include "host/values/json.hpp"
#include "host/values/result.hpp"

namespace rolesync::plugin {

class HostServices {
 public:
  virtual ~HostServices() = default;
  // Any thread of the call. `service` was declared in `needs`; anything else was refused before.
  virtual Result<Json> call(std::string_view service, const Json& request) = 0;
};

}  // namespace rolesync::plugin
