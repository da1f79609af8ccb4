// SPDX-License-Identifier: Apache-2.0
// The server's configuration: one strict TOML file, then environment, then flags. Made at start-up.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "host/plugin/policy.hpp"
#include "host/role/role_defaults.hpp"
#include "host/values/result.hpp"

namespace rolesync {

struct ServerConfig {
  std::string listen = "127.0.0.1:8770";  // ip:port or [ipv6]:port
  std::filesystem::path state_dir = "/var/lib/rolesync";
  // "sqlite": rolesync.db in the state directory; or postgresql://user@host/database, which several
  // servers may share.
  std::string store = "sqlite";
  std::filesystem::path secrets_dir;  // default <state_dir>/secrets
  std::vector<std::filesystem::path> plugin_dirs = {"/usr/lib/rolesync/plugins"};
  std::vector<std::filesystem::path> drop_in_dirs = {"/usr/local/lib/rolesync/plugins"};
  std::filesystem::path plugin_host;  // default: rolesync-plugin-host beside this program

  plugin::Policy plugin_policy;

  std::string tls_certificate, tls_key;  // both or none

  std::vector<std::filesystem::path> allowed_sources;  // roots of repositories, transport file

  // The built web UI. Left out: web/ or share/rolesync/web/ beside the directory of this program,
  // the first that is there; empty when neither is.
  std::filesystem::path web_dir;

  std::string log_format = "text";  // text, json
  std::string log_level = "info";

  // Each a minute, 0: no limit.
  int token_requests_per_minute = 3'000;
  int node_requests_per_minute = 6'000;
  int refused_per_minute = 120;  // of one address

  int heartbeat_interval_seconds = 25;
  int node_late_seconds = 45;
  int node_offline_seconds = 120;
  int node_gone_seconds = 120;
  int stage_seconds = 1'800;
  int activate_seconds = 1'800;

  int keep_jobs_days = 365;
  int keep_events_days = 30;
  int keep_audit_days = 0;  // 0: for ever
  int tidy_seconds = 3'600;
  std::uint64_t cache_limit_bytes = std::uint64_t{20} << 30;

  // Which plugin serves a role that does not say so, and which role marks the node of the
  // repository.
  RoleDefaults defaults = usual_role_defaults();
  std::string code_source_role = usual_code_source_role;
};

// The database of a server of its own.
std::filesystem::path database_file(const ServerConfig& config);

struct ListenAddress {
  std::string address;
  std::uint16_t port = 0;
  bool loopback() const;
};

// Errors: invalid/config_invalid with file and line.
Result<ServerConfig> load_config(const std::filesystem::path& file);
// ROLESYNC_LISTEN, ROLESYNC_STATE_DIR, ROLESYNC_STORE, ROLESYNC_WEB_DIR, ROLESYNC_PLUGIN_DIRS and
// ROLESYNC_DROP_IN_DIRS (with ':').
void apply_environment(ServerConfig& config);
// Fills what follows from other values and checks the whole.
Status complete(ServerConfig& config);

Result<ListenAddress> parse_listen(const std::string& text);

// The text of a first configuration file.
std::string config_text(const ServerConfig& config);

}  // namespace rolesync
