// SPDX-License-Identifier: Apache-2.0
// The request target: path, query, percent signs. Pure; any thread.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rolesync::http {

// Nothing for a broken escape, and for a control character, plain or hidden in an escape.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

// "a=1&b=x%20y". The last of a repeated name counts.
std::optional<std::map<std::string, std::string>> parse_query(std::string_view query);

// The parts between the slashes of "/api/roles/a": {"api", "roles", "a"}, not decoded.
std::vector<std::string_view> path_segments(std::string_view path);

}  // namespace rolesync::http
