// SPDX-License-Identifier: Apache-2.0
// How values look to a person: widths, sizes, ages, short ids. Everything that came over the
// network passes printable() before it reaches a terminal. Pure; any thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "host/values/timestamp.hpp"

namespace rolesync::cli {

// Columns a terminal uses for this UTF-8 text: combining marks take none, wide characters two.
std::size_t display_width(std::string_view text);

// Control characters (escape sequences too) and broken UTF-8 become visible and harmless.
std::string printable(std::string_view text);

std::string first_line(std::string_view text);

// Cut to `width` columns, the last of them an ellipsis when something was cut.
std::string clipped(std::string_view text, std::size_t width);

// The first eight digits of a full commit id; anything else unchanged.
std::string short_commit(std::string_view commit);

std::string human_bytes(std::uint64_t bytes);               // "0 B", "1.5 KiB", "12 MiB"
std::string human_age(Millis at, Millis now);               // "now", "42s ago", "3m ago", "in 5m"
std::string counted(std::size_t n, std::string_view noun);  // "1 file", "3 files"

}  // namespace rolesync::cli
