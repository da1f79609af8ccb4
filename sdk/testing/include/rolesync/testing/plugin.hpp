// SPDX-License-Identifier: Apache-2.0
// Loads a built plugin through its door, as the host does, and calls it.
#pragma once
#include <rolesync/abi.h>

#include <memory>
#include <rolesync/deployer.hpp>
#include <rolesync/detector.hpp>
#include <rolesync/restart_strategy.hpp>
#include <rolesync/testing/fake_host.hpp>
#include <string>

namespace rolesync::testing {

// One instance. Keeps its library loaded; the host must outlive it. One thread. Every call throws
// rolesync::Error with what the plugin reported.
class PluginInstance {
 public:
  PluginInstance(std::shared_ptr<const rs_plugin> plugin, void* instance);

  // The calls of each kind.
  RoleData spec() const;  // a role
  Detection detect(const RoleData& role, const Facts& facts) const;
  ServiceStatus status(const RoleData& role, const Options& options = {}) const;
  ServiceStatus start(const RoleData& role, const Options& options = {}) const;
  ServiceStatus stop(const RoleData& role, const Options& options = {}) const;
  ServiceStatus restart(const RoleData& role, const Options& options = {}) const;
  Values offer(const OfferRequest& request) const;
  void serve(const ServeRequest& request) const;
  std::uint64_t fetch(const FetchRequest& request) const;

  // Any method, as it goes through the door. The test includes <nlohmann/json.hpp> for it.
  Json call(const std::string& method) const;
  Json call(const std::string& method, const Json& request) const;

 private:
  ServiceStatus service_call(const char* method, const RoleData& role,
                             const Options& options) const;
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
