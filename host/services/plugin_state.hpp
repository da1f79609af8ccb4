// SPDX-License-Identifier: Apache-2.0
// Small JSON values that the host keeps for plugins, one file per plugin. Durable; any thread.
#pragma once
#include <mutex>
#include <string>

#include "host/values/json.hpp"
#include "host/values/result.hpp"

namespace rolesync {

class PluginState {
 public:
  explicit PluginState(std::string directory);  // made on the first put

  // `plugin` is "kind.id". null when there is no such key.
  Result<Json> get(const std::string& plugin, const std::string& key);
  // null removes. Error: too_large/state_too_large over 64 KiB per plugin.
  Status put(const std::string& plugin, const std::string& key, const Json& value);

 private:
  Result<Json> load(const std::string& plugin);
  std::string path(const std::string& plugin) const;
  std::string directory_;
  std::mutex mutex_;
};

}  // namespace rolesync
