// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/semver.hpp"

#include <algorithm>
#include <charconv>

namespace rolesync::plugin {
namespace {

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

bool read_number(std::string_view part, std::uint32_t& out) {
  if (!is_number(part) || part.size() > 9 || (part.size() > 1 && part[0] == '0')) return false;
  return std::from_chars(part.data(), part.data() + part.size(), out).ec == std::errc();
}

bool is_prerelease(std::string_view text) {
  if (text.empty() || text.back() == '.') return false;
  while (!text.empty()) {
    const std::string_view part = take_until(text, '.');
    if (part.empty() || (is_number(part) && part.size() > 1 && part[0] == '0')) return false;
    const bool plain = std::all_of(part.begin(), part.end(), [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
    });
    if (!plain) return false;
  }
  return true;
}

int sign(bool less, bool greater) {
  return less ? -1 : greater ? 1 : 0;
}

// Numbers compare as numbers and are lower than words; a longer list is higher.
int compare_prerelease(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return sign(!a.empty() && b.empty(), a.empty() && !b.empty());
  while (!a.empty() && !b.empty()) {
    const std::string_view x = take_until(a, '.'), y = take_until(b, '.');
    int order = 0;
    if (is_number(x) && is_number(y)) {
      order = x.size() != y.size() ? sign(x.size() < y.size(), true) : x.compare(y);
    } else if (is_number(x) != is_number(y)) {
      order = is_number(x) ? -1 : 1;
    } else {
      order = x.compare(y);
    }
    if (order != 0) return order;
  }
  return sign(!b.empty(), !a.empty());
}

}  // namespace

std::optional<Semver> Semver::parse(std::string_view text) {
  if (text.empty() || text.size() > 64) return std::nullopt;
  Semver version;
  const std::size_t dash = text.find('-');
  std::string_view numbers = text.substr(0, dash);
  if (std::count(numbers.begin(), numbers.end(), '.') != 2) return std::nullopt;
  for (std::uint32_t* number : {&version.major, &version.minor, &version.patch}) {
    if (!read_number(take_until(numbers, '.'), *number)) return std::nullopt;
  }
  if (dash != std::string_view::npos) {
    if (!is_prerelease(text.substr(dash + 1))) return std::nullopt;
    version.prerelease = text.substr(dash + 1);
  }
  return version;
}

int compare(const Semver& a, const Semver& b) {
  if (a.major != b.major) return sign(a.major < b.major, true);
  if (a.minor != b.minor) return sign(a.minor < b.minor, true);
  if (a.patch != b.patch) return sign(a.patch < b.patch, true);
  return compare_prerelease(a.prerelease, b.prerelease);
}

}  // namespace rolesync::plugin
