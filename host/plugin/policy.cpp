// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/policy.hpp"

#include "host/values/names.hpp"

namespace rolesync::plugin {
namespace {

Error invalid(std::string message) {
  return {ErrorKind::invalid, "invalid_config", std::move(message)};
}

}  // namespace

Result<std::set<std::string>> read_allowed_sha256(const std::vector<std::string>& list) {
  std::set<std::string> hashes;
  for (const std::string& hash : list) {
    if (hash.size() != 64 || hash.find_first_not_of("0123456789abcdef") != std::string::npos) {
      return invalid("\"" + hash + "\" is not a sha256 of 64 lower-case hex digits");
    }
    hashes.insert(hash);
  }
  return hashes;
}

Result<bool> read_mode(const std::string& name, const std::string& mode) {
  if (!is_plugin_id(name)) return invalid("\"" + name + "\" is not a plugin's file name");
  if (mode == "isolated") return true;
  if (mode == "inline") return false;
  return invalid("the mode of " + name + " must be \"inline\" or \"isolated\"");
}

}  // namespace rolesync::plugin
