// SPDX-License-Identifier: Apache-2.0
#include "host/activation/sealed_text.hpp"

#include <charconv>

#include "host/values/hash.hpp"

namespace rolesync {
namespace {

constexpr int kVersion = 1;
constexpr std::size_t kTrailer = 7 + 64 + 1;  // "sha256 " hex "\n"

}  // namespace

std::string seal(std::string_view kind, std::string_view body) {
  std::string text = "rolesync-" + std::string(kind) + " " + std::to_string(kVersion) + "\n";
  text += body;
  text += "sha256 " + sha256_hex(text) + "\n";
  return text;
}

Error state_damaged(const std::string& path, std::string_view why) {
  return {
      ErrorKind::failed, "state_damaged", path + " is damaged: " + std::string(why),
      "nothing was changed; find out what is there with rolesync node identify, then rolesync node "
      "adopt: the damaged state is kept aside"};
}

Result<std::string_view> unseal(std::string_view kind, std::string_view text,
                                const std::string& path) {
  const std::string expected = "rolesync-" + std::string(kind) + " ";
  std::string_view body = text;
  std::string_view first_line;
  if (!take_field(body, '\n', first_line) || !first_line.starts_with(expected)) {
    return state_damaged(path, "it does not begin with \"" + expected + "\"");
  }
  const std::string_view number = first_line.substr(expected.size());
  int version = 0;
  const auto [end, problem] =
      std::from_chars(number.data(), number.data() + number.size(), version);
  if (problem != std::errc() || end != number.data() + number.size() || version < kVersion) {
    return state_damaged(path, "its format version is not a number we know");
  }
  if (version > kVersion) {
    return Error{ErrorKind::failed, "state_newer",
                 path + " has format " + std::to_string(version) + "; this program knows " +
                     std::to_string(kVersion),
                 "a newer rolesync wrote it: use that version or a newer one"};
  }
  if (body.size() < kTrailer) return state_damaged(path, "it is cut off");
  const std::string_view before = text.substr(0, text.size() - kTrailer);
  if (text.substr(before.size()) != "sha256 " + sha256_hex(before) + "\n") {
    return state_damaged(path, "its bytes do not have the hash in its last line");
  }
  return body.substr(0, body.size() - kTrailer);
}

bool take_field(std::string_view& rest, char separator, std::string_view& field) {
  const std::size_t at = rest.find(separator);
  if (at == std::string_view::npos) return false;
  field = rest.substr(0, at);
  rest.remove_prefix(at + 1);
  return true;
}

}  // namespace rolesync
