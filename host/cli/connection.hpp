// SPDX-License-Identifier: Apache-2.0
// Which server the CLI talks to and as whom: flag, then environment, then the context of
// ~/.config/rolesync/config.toml, then the default. Pure but for reading files; any thread.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "host/client/http_client.hpp"
#include "host/values/result.hpp"

namespace rolesync::cli {

inline constexpr const char* kDefaultUrl = "http://127.0.0.1:8770";

// What can be said in each of the three places. Empty: not said there.
struct ConnectionSource {
  std::string url, token, token_file, ca_file, fingerprint;
};

struct ConfigFile {
  std::string current;  // the context used when none is named
  std::map<std::string, ConnectionSource> contexts;
};

struct Connection {
  ServerAddress address;
  std::string token;
};

// Looks a variable up; injected so that tests need no real environment.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment process_environment();

// Strict: unknown keys and wrong types are refused with their line.
Result<ConfigFile> parse_config(std::string_view toml, const std::string& path);

// Where the config file is: ROLESYNC_CLI_CONFIG, XDG_CONFIG_HOME or HOME decide; empty: nowhere.
std::string config_path(const Environment& environment);

struct ConnectionFlags : ConnectionSource {
  std::string context;
};

Result<Connection> resolve_connection(const ConnectionFlags& flags, const Environment& environment);

}  // namespace rolesync::cli
