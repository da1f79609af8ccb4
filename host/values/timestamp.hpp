// SPDX-License-Identifier: Apache-2.0
// Points in time are milliseconds since 1970 UTC inside, RFC 3339 outside. Pure; any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rolesync {

using Millis = std::int64_t;

std::string to_rfc3339(Millis at);                          // "2026-11-23T12:48:00.123Z"
std::optional<Millis> from_rfc3339(std::string_view text);  // accepts Z and +hh:mm

}  // namespace rolesync
