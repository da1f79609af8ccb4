// SPDX-License-Identifier: Apache-2.0
// JSON as text, both ways. Everything that comes from outside is parsed here, with limits: a deeply
// nested document would otherwise overflow the stack later, in copy or dump. Pure; any thread.
// Only the forward declarations are included; a file that looks inside a Json includes
// <nlohmann/json.hpp> itself (two seconds of compiler time).
#pragma once
#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "host/values/result.hpp"

namespace rolesync {

using Json = nlohmann::json;

struct JsonLimits {
  std::size_t max_bytes = 4 << 20;
  int max_depth = 64;
};

// Refuses duplicate keys, invalid UTF-8, trailing text, and anything over the limits.
// Errors: reason invalid_json or json_too_large.
Result<Json> parse_json(std::string_view text, JsonLimits limits = {});

// Compact text. Bytes that are not UTF-8 are replaced, never thrown about.
std::string to_text(const Json& value);

}  // namespace rolesync
