// SPDX-License-Identifier: Apache-2.0
#include "host/cli/text.hpp"

#include <array>
#include <cstdio>
#include <utility>

#include "host/values/names.hpp"

namespace rolesync::cli {
namespace {

constexpr char32_t kBroken = 0xFFFD;

// The code point at `at`, which moves behind it. Broken bytes are one kBroken each.
char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  if (lead < 0x80) return lead;
  const int more = lead >= 0xF0 && lead < 0xF5 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC2 ? 1 : 0;
  if (more == 0 || lead >= 0xF5 || at + more > text.size()) return kBroken;
  char32_t code = lead & (0x3F >> more);
  for (int i = 0; i < more; ++i) {
    const auto byte = static_cast<unsigned char>(text[at + i]);
    if ((byte & 0xC0) != 0x80) return kBroken;
    code = code << 6 | (byte & 0x3F);
  }
  constexpr std::array<char32_t, 4> smallest = {0, 0x80, 0x800, 0x10000};
  if (code < smallest[more] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
    return kBroken;
  at += more;
  return code;
}

bool in(char32_t code, std::initializer_list<std::pair<char32_t, char32_t>> ranges) {
  for (const auto& [first, last] : ranges)
    if (code >= first && code <= last) return true;
  return false;
}

// Also the marks that turn the direction of text around: a terminal that obeys them shows lies.
bool invisible(char32_t code) {
  return in(code, {{0x0300, 0x036F},
                   {0x1AB0, 0x1AFF},
                   {0x200B, 0x200D},
                   {0x20D0, 0x20FF},
                   {0xFE00, 0xFE0F},
                   {0xE0100, 0xE01EF}});
}

bool wide(char32_t code) {
  return in(code, {{0x1100, 0x115F},
                   {0x2E80, 0x303E},
                   {0x3041, 0xA4CF},
                   {0xAC00, 0xD7A3},
                   {0xF900, 0xFAFF},
                   {0xFE30, 0xFE6F},
                   {0xFF00, 0xFF60},
                   {0xFFE0, 0xFFE6},
                   {0x1F300, 0x1F64F},
                   {0x1F680, 0x1F6FF},
                   {0x1F900, 0x1FAFF},
                   {0x20000, 0x3FFFD}});
}

bool steers_the_terminal(char32_t code) {
  return in(code,
            {{0x00, 0x1F}, {0x7F, 0x9F}, {0x200E, 0x200F}, {0x202A, 0x202E}, {0x2066, 0x2069}});
}

std::size_t width_of(char32_t code) {
  return invisible(code) ? 0 : wide(code) ? 2 : 1;
}

std::string escaped(char32_t code) {
  if (code == '\n') return "\\n";
  if (code == '\t') return "\\t";
  if (code == '\r') return "\\r";
  char text[16];
  std::snprintf(text, sizeof text, code < 0x100 ? "\\x%02x" : "\\u%04x",
                static_cast<unsigned>(code));
  return text;
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) width += width_of(next_code_point(text, at));
  return width;
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    const char32_t code = next_code_point(text, at);
    if (code == kBroken && at == start + 1)
      out += escaped(static_cast<unsigned char>(text[start]));
    else if (steers_the_terminal(code))
      out += escaped(code);
    else
      out += text.substr(start, at - start);
  }
  return out;
}

std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find_first_of("\r\n")));
}

std::string clipped(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) return std::string(text);
  if (width == 0) return {};
  std::size_t used = 0, at = 0;
  while (at < text.size()) {
    std::size_t next = at;
    const std::size_t more = width_of(next_code_point(text, next));
    if (used + more > width - 1) break;
    used += more;
    at = next;
  }
  return std::string(text.substr(0, at)) + "…";
}

std::string short_commit(std::string_view commit) {
  return std::string(is_commit(commit) ? commit.substr(0, 8) : commit);
}

std::string human_bytes(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  constexpr std::array<const char*, 5> units = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < units.size()) value /= 1024, ++unit;
  char text[32];
  std::snprintf(text, sizeof text, value < 9.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
  return text;
}

std::string human_age(Millis at, Millis now) {
  const Millis seconds = (now - at) / 1000;
  const Millis size = seconds < 0 ? -seconds : seconds;
  constexpr Millis hour = 3600, day = 86400;
  if (size < 1) return "now";
  const std::string span = size < 120        ? std::to_string(size) + "s"
                           : size < 2 * hour ? std::to_string(size / 60) + "m"
                           : size < 2 * day  ? std::to_string(size / hour) + "h"
                                             : std::to_string(size / day) + "d";
  return seconds < 0 ? "in " + span : span + " ago";
}

std::string counted(std::size_t n, std::string_view noun) {
  return std::to_string(n) + " " + std::string(noun) + (n == 1 ? "" : "s");
}

}  // namespace rolesync::cli
