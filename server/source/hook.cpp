// SPDX-License-Identifier: Apache-2.0
#include "server/source/hook.hpp"

#include <string_view>
#include <utility>
#include <vector>

#include "host/values/names.hpp"

namespace rolesync::source {

const std::vector<std::pair<std::string_view, std::string_view>>& hook_files();  // generated

namespace {

Error bad_option(const char* what, const char* rule) {
  return {ErrorKind::invalid, "hook_option_invalid",
          std::string("the hook's ") + what + " " + rule};
}

// What may stand between single quotes of a shell script.
bool is_quotable(std::string_view text) {
  for (const char c : text) {
    if (c == '\'' || static_cast<unsigned char>(c) < 32 || c == 127) return false;
  }
  return true;
}

bool is_server_url(std::string_view url) {
  if (!url.starts_with("http://") && !url.starts_with("https://")) return false;
  return url.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
             "-._~:/%[]") == std::string_view::npos;
}

void put(std::string& text, std::string_view place, std::string_view value) {
  text.replace(text.find(place), place.size(), value);
}

}  // namespace

Result<std::string> hook_script(const HookOptions& options) {
  std::string url = options.server_url;
  while (url.ends_with('/')) url.pop_back();
  if (!is_server_url(url)) return bad_option("server address", "must be http(s)://host[:port]");
  if (!is_name(options.source)) return bad_option("code source", "is not a name");
  if (!options.key_file.starts_with('/') || !is_quotable(options.key_file)) {
    return bad_option("key file", "must be an absolute path without quotes");
  }
  if (!options.ca_file.empty() &&
      (!options.ca_file.starts_with('/') || !is_quotable(options.ca_file))) {
    return bad_option("certificate file", "must be an absolute path without quotes");
  }
  std::string text(hook_files().at(0).second);
  put(text, "@SERVER_URL@", url);
  put(text, "@SOURCE@", options.source);
  put(text, "@KEY_FILE@", options.key_file);
  put(text, "@CA_FILE@", options.ca_file);
  return text;
}

}  // namespace rolesync::source
