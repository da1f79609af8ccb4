// SPDX-License-Identifier: Apache-2.0
// Calls of the plugins that serve a role on this node, each with the services and limits that its
// kind may use here. Any thread.
#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/agent/config.hpp"
#include "host/plugin/registry.hpp"
#include "host/role/role.hpp"
#include "host/services/node_services.hpp"
#include "host/stream/stream.hpp"
#include "host/values/timestamp.hpp"

namespace rolesync::agent {

// What a restart strategy answers.
struct ServiceState {
  std::string state = "unknown";  // the words of rolesync::Running in the SDK
  std::optional<Millis> started_at;
  std::optional<Millis> started_since_boot;  // the same on Clock::monotonic(), when it is known
  std::string detail, reason;
};

struct Detection {
  std::string state = "unknown";   // active, inactive, not_installed, unknown
  std::string health = "unknown";  // healthy, failing, unknown
  std::string reason;
  std::string detail;                    // a sentence, when a plugin failed
  std::shared_ptr<const Json> evidence;  // an object
};

// What a detector is told, beside the ports.
struct Sight {
  bool path_exists = false;
  std::string path_error;  // why that is not known; empty: it is
  std::optional<ServiceState> service;
};

struct FetchOrder {
  std::shared_ptr<const Json> offer;  // what the deployer's server half said
  std::string offer_id, staging, basis, list_file;
  std::uint64_t files = 0, bytes = 0;
  // As the deployer reports it; from any thread of its own.
  std::function<void(std::uint64_t done, std::uint64_t total, const std::string& unit)> progress;
};

class RolePlugins {
 public:
  RolePlugins(const AgentConfig& config, plugin::Registry& registry);

  // `action`: status, start, stop, restart. Units and ports may be those of collected facts.
  Result<ServiceState> service(const Role& role, const char* action, Units& units, Ports& ports,
                               const CancelFlag* cancelled);
  Result<Detection> detect(const Role& role, const Sight& sight, Units& units, Ports& ports,
                           const CancelFlag* cancelled);
  using StreamOpener = std::function<Result<std::unique_ptr<Stream>>(const std::string& offer_id)>;
  Status fetch(const Role& role, const FetchOrder& order, StreamOpener opener,
               const CancelFlag* cancelled);

  // The detector or strategy of the role that runs in a child, and may take its time; empty: none.
  std::string isolated_plugin(const Role& role) const;

  // The plugins a task of this role needs. Error: failed/plugin_missing, naming it.
  Status check_present(const Role& role) const;
  // Whether the node's limits would let the role's strategy do its work: better known before a
  // switch than after it. Errors: denied/unit_not_allowed, denied/commands_not_allowed, ...
  Status check_control(const Role& role) const;
  // The units that the role's strategy acts on, as Units names them; of a strategy that cannot say
  // (it runs in a child, or is older than the question): the role's service.
  std::vector<std::string> units_of(const Role& role) const;
  // Facts about paths outside the node's allowed roots are not given away.
  bool may_look_at(const std::string& path) const;
  plugin::Registry& registry() { return registry_; }

 private:
  NodeServicesOptions services_for(const std::string& kind, const std::string& id) const;
  const AgentConfig& config_;
  plugin::Registry& registry_;
  mutable PluginState state_;
};

// Where the programs are on record that run for plugins now.
std::string programs_root(const AgentConfig& config);

// Something runs for this role on a node: it names a service, or tells its strategy how to run one.
bool has_service(const Role& role);

// The owner of the role's files: of its target, or of the nearest directory above it.
struct FileOwner {
  uid_t uid = 0;
  gid_t gid = 0;
};
Result<FileOwner> owner_of_files(const Role& role);

}  // namespace rolesync::agent
