// SPDX-License-Identifier: Apache-2.0
#include "host/values/names.hpp"

#include <algorithm>
#include <cctype>

namespace rolesync {
namespace {

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_word(std::string_view text, std::string_view inner) {
  if (text.empty() || text.size() > 63) return false;
  if (!is_lower_or_digit(text.front()) || !is_lower_or_digit(text.back())) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return is_lower_or_digit(c) || inner.find(c) != std::string_view::npos;
  });
}

// Every part between separators is non-empty and neither "." nor "..".
bool has_plain_parts(std::string_view path, char separator) {
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = std::min(path.find(separator, begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return false;
    if (end == path.size()) return true;
    begin = end + 1;
  }
}

Error bad_target(std::string_view path, std::string why) {
  return {ErrorKind::invalid, "invalid_target_path",
          "target path \"" + std::string(path) + "\" " + std::move(why),
          "give an absolute directory such as /srv/app"};
}

bool is_drive_path(std::string_view text) {
  return text.size() > 3 && std::isalpha(static_cast<unsigned char>(text[0])) && text[1] == ':' &&
         text[2] == '\\';
}

}  // namespace

bool is_name(std::string_view text) {
  return is_word(text, "-");
}
bool is_plugin_id(std::string_view text) {
  return is_word(text, "-_");
}

bool is_commit(std::string_view text) {
  return (text.size() == 40 || text.size() == 64) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_branch(std::string_view text) {
  if (text.empty() || text.size() > 255 || text.front() == '-' || text.back() == '.') return false;
  if (text.find("..") != std::string_view::npos || text.find("@{") != std::string_view::npos ||
      text.ends_with(".lock") || text == "@") {
    return false;
  }
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 32 && byte != 127 &&
           std::string_view("~^:?*[\\").find(c) == std::string_view::npos;
  });
  return plain && has_plain_parts(text, '/');
}

bool is_relative_path(std::string_view text) {
  return !text.empty() && text.size() <= 4096 && text.find('\0') == std::string_view::npos &&
         has_plain_parts(text, '/');
}

Status check_target_path(std::string_view text) {
  if (text.empty()) return bad_target(text, "is empty");
  if (text.size() > 4096) return bad_target(text.substr(0, 40), "is longer than 4096 bytes");
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 32) return bad_target(text, "has control characters");
  }
  if (is_drive_path(text)) {
    return has_plain_parts(text.substr(3), '\\') ? Status{} : bad_target(text, "is not normalised");
  }
  if (text.front() != '/') return bad_target(text, "is not absolute");
  if (text == "/") return bad_target(text, "is the root of the file system");
  if (!has_plain_parts(text.substr(1), '/')) {
    return bad_target(text, "has an empty part, \".\" or \"..\" in it");
  }
  return {};
}

}  // namespace rolesync
