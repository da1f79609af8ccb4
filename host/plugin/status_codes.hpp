// SPDX-License-Identifier: Apache-2.0
// The statuses of the plugin door as our Errors, and back (docs/plugin-services.md "Statuses").
// Pure; any thread.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "host/values/json.hpp"
#include "host/values/result.hpp"

namespace rolesync::plugin {

// `text`: the error object the other side wrote; may be anything.
Error error_from_status(std::int32_t status, std::string_view text);

std::int32_t status_of(const Error& error);
std::string error_text(const Error& error);  // {"reason", "message", "hint"}

// As one JSON value {"status", "reason", "message", "hint"}, for the wire to an isolated child.
Json error_to_json(const Error& error);
Error error_from_json(const Json& object);

}  // namespace rolesync::plugin
