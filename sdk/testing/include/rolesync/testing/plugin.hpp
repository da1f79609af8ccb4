// SPDX-License-Identifier: Apache-2.0
// Loads a built plugin through its door, as the host does, and calls it.
#pragma once
#include <rolesync/abi.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <rolesync/testing/fake_host.hpp>
#include <string>

namespace rolesync::testing {

// One instance. Keeps its library loaded; the host must outlive it. One thread.
class PluginInstance {
 public:
  PluginInstance(std::shared_ptr<const rs_plugin> plugin, void* instance);
  // Throws rolesync::Error with what the plugin reported.
  Json call(const std::string& method, const Json& request = Json::object()) const;

 private:
  std::shared_ptr<const rs_plugin> plugin_;
  std::shared_ptr<void> instance_;
};

class Plugin {
 public:
  explicit Plugin(const std::string& path);  // throws std::runtime_error
  // One that is linked into the test: Plugin(*rolesync_plugin).
  explicit Plugin(const rs_plugin& plugin);

  Json descriptor() const;
  // Lets the host refuse what the descriptor does not declare.
  PluginInstance create(const std::string& kind, const std::string& id, FakeHost& host) const;

 private:
  std::shared_ptr<const rs_plugin> plugin_;
};

}  // namespace rolesync::testing
