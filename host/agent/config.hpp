// SPDX-License-Identifier: Apache-2.0
// The agent's own config: what this node is called, which server it obeys, and what it allows that
// server to do. One strict TOML file; flags and ROLESYNC_* variables come before it. Start-up only.
#pragma once
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "host/client/http_client.hpp"
#include "host/plugin/policy.hpp"
#include "host/role/role.hpp"
#include "host/services/limits.hpp"
#include "host/values/result.hpp"

namespace rolesync::agent {

struct AgentConfig {
  std::string config_file;  // that was read; empty: none
  std::string node_id;
  std::vector<std::string> server_urls;  // tried in turn
  std::string certificate_sha256;
  std::string ca_file;
  std::string credential_file;  // default: <state_dir>/credential
  std::string state_dir = "/var/lib/rolesync-agent";

  std::vector<std::string> plugin_dirs{"/usr/lib/rolesync/plugins"};         // run inside the agent
  std::vector<std::string> drop_in_dirs{"/usr/local/lib/rolesync/plugins"};  // run isolated
  std::string plugin_host;  // default: beside our own program
  plugin::Policy plugin_policy;

  Limits limits;  // allowed_roots with path_prefix
  // For several nodes on one machine: every role's target lies under this directory, and its
  // programs are told (ROLESYNC_ADDRESS) and asked at this address. Normally "" and 127.0.0.1.
  std::string path_prefix;
  std::string health_address;
  std::vector<std::string> source_repositories;  // what serve_source may serve
  RoleDefaults role_defaults;

  std::size_t keep_releases = 3;
  std::size_t parallel_tasks = 4;  // of different targets
  std::chrono::seconds health_limit{30};
  // How long a service must run in one piece, and how long it may be down, to count as that.
  std::chrono::milliseconds health_settle{1000}, health_down{2000};
  std::chrono::seconds command_limit{600};
  std::chrono::seconds self_update_limit{120};  // for a new agent to reach its server
  std::chrono::seconds detect_interval{10};     // local look between heartbeats
  std::size_t queue_limit = 10'000;             // events kept while the server is away
  std::chrono::seconds answer_limit{15};        // for an answer, beyond the wait that was asked for
  std::chrono::seconds first_interval{25};      // between heartbeats, until the server says another

  std::string log_format = "text";  // or "json"
  std::string log_level = "info";

  ServerAddress server(std::size_t index) const;
  std::string probed_address() const {
    return health_address.empty() ? "127.0.0.1" : health_address;
  }
  // Of a machine's own loopback the other family is asked when the first does not answer.
  std::vector<std::string> probed_addresses() const {
    if (health_address.empty()) return {"127.0.0.1", "::1"};
    return {health_address};
  }
  // The role as it is on this node: its target under path_prefix.
  Role localized(Role role) const;
};

// Command line flags; empty means not given.
struct ConfigFlags {
  std::string config_file;
  std::string node_id;
  std::string state_dir;
  std::string server_url;
  std::vector<std::string> plugin_dirs;
};

// Which file is read, and whether somebody named it (the usual one may be absent).
struct ConfigFile {
  std::string path;
  bool named = false;
};
ConfigFile config_file_of(const ConfigFlags& flags,
                          const std::map<std::string, std::string>& environment);

// Flags, then `environment`, then the file, then what `join` left in the state directory, then the
// defaults. The default file may be absent, a named one may not. Errors: invalid/invalid_config
// with "file:line: ...".
Result<AgentConfig> load_config(const ConfigFlags& flags,
                                const std::map<std::string, std::string>& environment);

// The file alone, on top of `config`. `name` is for messages.
Status read_config_text(const std::string& text, const std::string& name, AgentConfig& config);

// Complete enough to run; `join` needs less.
Status check_config(const AgentConfig& config);

}  // namespace rolesync::agent
