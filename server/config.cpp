// SPDX-License-Identifier: Apache-2.0
#include "server/config.hpp"

#include <unistd.h>

#include <toml++/toml.h>
#include <charconv>
#include <cstdlib>
#include <functional>
#include <map>
#include <sstream>

#include "server/store/store.hpp"

namespace rolesync {
namespace {

namespace fs = std::filesystem;

Error invalid(const std::string& where, const std::string& what) {
  return {ErrorKind::invalid, "config_invalid", where + ": " + what,
          "see the configuration section of the operator guide"};
}

// One function per key: takes the value, answers what is wrong with it ("" when nothing).
using Take = std::function<std::string(const toml::node&)>;

Take text(std::string& out) {
  return [&out](const toml::node& node) -> std::string {
    const auto value = node.value_exact<std::string>();
    if (!value) return "must be a string";
    out = *value;
    return "";
  };
}

Take path(fs::path& out) {
  return [&out](const toml::node& node) -> std::string {
    const auto value = node.value_exact<std::string>();
    if (!value || value->empty() || value->front() != '/') return "must be an absolute path";
    out = *value;
    return "";
  };
}

Take paths(std::vector<fs::path>& out) {
  return [&out](const toml::node& node) -> std::string {
    const auto* list = node.as_array();
    if (!list) return "must be an array of absolute paths";
    out.clear();
    for (const auto& item : *list) {
      const auto value = item.value_exact<std::string>();
      if (!value || value->empty() || value->front() != '/') {
        return "must be an array of absolute paths";
      }
      out.emplace_back(*value);
    }
    return "";
  };
}

Take seconds(int& out) {
  return [&out](const toml::node& node) -> std::string {
    const auto value = node.value_exact<std::int64_t>();
    if (!value || *value < 1 || *value > 86'400) return "must be a number from 1 to 86400";
    out = static_cast<int>(*value);
    return "";
  };
}

Take days(int& out, int least) {
  return [&out, least](const toml::node& node) -> std::string {
    const auto value = node.value_exact<std::int64_t>();
    if (!value || *value < least || *value > 36'500) {
      return "must be a number from " + std::to_string(least) + " to 36500";
    }
    out = static_cast<int>(*value);
    return "";
  };
}

Take one_of(std::string& out, std::vector<std::string> words) {
  return [&out, words = std::move(words)](const toml::node& node) -> std::string {
    const auto value = node.value_exact<std::string>();
    std::string list;
    for (const std::string& word : words) {
      if (value && *value == word) {
        out = word;
        return "";
      }
      list += (list.empty() ? "" : ", ") + word;
    }
    return "must be one of " + list;
  };
}

Take hashes(std::optional<std::set<std::string>>& out) {
  return [&out](const toml::node& node) -> std::string {
    const auto* list = node.as_array();
    if (!list) return "must be an array of sha256 hashes";
    std::vector<std::string> texts;
    for (const auto& item : *list) texts.push_back(item.value_or<std::string>(""));
    auto read = plugin::read_allowed_sha256(texts);
    if (!read) return "is not valid: " + read.error().message;
    out = std::move(*read);
    return "";
  };
}

Take mebibytes(std::uint64_t& out) {
  return [&out](const toml::node& node) -> std::string {
    const auto value = node.value_exact<std::int64_t>();
    if (!value || *value < 16 || *value > 1'048'576) return "must be a number from 16 to 1048576";
    out = static_cast<std::uint64_t>(*value) << 20;
    return "";
  };
}

Take store_setting(std::string& out) {
  return [&out](const toml::node& node) -> std::string {
    const auto value = node.value_exact<std::string>();
    if (!value) return "must be \"sqlite\" or postgresql://user@host/database";
    if (Status valid = store::check_store_setting(*value); !valid) {
      return "is not valid: " + valid.error().message + "; " + valid.error().hint;
    }
    out = *value;
    return "";
  };
}

Take per_minute(int& out) {
  return [&out](const toml::node& node) -> std::string {
    const auto value = node.value_exact<std::int64_t>();
    if (!value || *value < 0 || *value > 10'000'000) return "must be a number from 0 to 10000000";
    out = static_cast<int>(*value);
    return "";
  };
}

// [plugins.modes]: the keys are names of plugins.
std::string take_mode(const std::string& name, const toml::node& node, plugin::Policy& policy) {
  const auto isolated = plugin::read_mode(name, node.value_or<std::string>(""));
  if (!isolated) return "is not valid: " + isolated.error().message;
  policy.isolated[name] = *isolated;
  return "";
}

std::map<std::string, Take> known_keys(ServerConfig& config) {
  return {{"listen", text(config.listen)},
          {"state_dir", path(config.state_dir)},
          {"store", store_setting(config.store)},
          {"secrets_dir", path(config.secrets_dir)},
          {"plugin_dirs", paths(config.plugin_dirs)},
          {"drop_in_dirs", paths(config.drop_in_dirs)},
          {"plugin_host", path(config.plugin_host)},
          {"plugins.allowed_sha256", hashes(config.plugin_policy.allowed_sha256)},
          {"plugins.child_memory_mb", mebibytes(config.plugin_policy.child.memory_bytes)},
          {"tls.certificate", text(config.tls_certificate)},
          {"tls.key", text(config.tls_key)},
          {"source.allowed_paths", paths(config.allowed_sources)},
          {"web.directory", path(config.web_dir)},
          {"log.format", one_of(config.log_format, {"text", "json"})},
          {"log.level", one_of(config.log_level, {"debug", "info", "warn", "error"})},
          {"limits.token_requests_per_minute", per_minute(config.token_requests_per_minute)},
          {"limits.node_requests_per_minute", per_minute(config.node_requests_per_minute)},
          {"limits.refused_per_minute", per_minute(config.refused_per_minute)},
          {"nodes.heartbeat_interval_seconds", seconds(config.heartbeat_interval_seconds)},
          {"nodes.late_seconds", seconds(config.node_late_seconds)},
          {"nodes.offline_seconds", seconds(config.node_offline_seconds)},
          {"jobs.node_gone_seconds", seconds(config.node_gone_seconds)},
          {"jobs.stage_seconds", seconds(config.stage_seconds)},
          {"jobs.activate_seconds", seconds(config.activate_seconds)},
          {"retention.jobs_days", days(config.keep_jobs_days, 1)},
          {"retention.events_days", days(config.keep_events_days, 1)},
          {"retention.audit_days", days(config.keep_audit_days, 0)},
          {"retention.every_seconds", seconds(config.tidy_seconds)},
          {"cache.limit_mb", mebibytes(config.cache_limit_bytes)},
          {"defaults.component_deployer", text(config.defaults.component_deployer)},
          {"defaults.package_deployer", text(config.defaults.package_deployer)},
          {"defaults.detector", text(config.defaults.detector)},
          {"defaults.restart_strategy", text(config.defaults.restart_strategy)},
          {"defaults.serviceless_strategy", text(config.defaults.serviceless_strategy)},
          {"defaults.code_source_role", text(config.code_source_role)}};
}

Status take_table(const toml::table& table, const std::string& prefix, const std::string& file,
                  const std::map<std::string, Take>& keys, plugin::Policy& policy) {
  for (const auto& [key, node] : table) {
    const std::string name = prefix + std::string(key.str());
    const std::string where = file + ":" + std::to_string(node.source().begin.line);
    if (const auto* inner = node.as_table()) {
      if (Status taken = take_table(*inner, name + ".", file, keys, policy); !taken) return taken;
      continue;
    }
    const auto take = keys.find(name);
    const bool mode = prefix == "plugins.modes.";
    if (take == keys.end() && !mode) return invalid(where, "unknown key " + name);
    const std::string wrong =
        mode ? take_mode(std::string(key.str()), node, policy) : take->second(node);
    if (!wrong.empty()) return invalid(where, std::string(name).append(" ").append(wrong));
  }
  return {};
}

std::vector<fs::path> split_paths(const std::string& text) {
  std::vector<fs::path> list;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ':');) {
    if (!part.empty()) list.emplace_back(part);
  }
  return list;
}

fs::path beside_this_program(const char* name) {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  return error ? fs::path(name) : self.parent_path() / name;
}

fs::path find_web_dir() {
  for (const char* place : {"../web", "../share/rolesync/web"}) {
    const fs::path directory = beside_this_program(place).lexically_normal();
    std::error_code error;
    if (fs::is_regular_file(directory / "index.html", error)) return directory;
  }
  return {};
}

// A TOML basic string; what TOML would not take is escaped.
std::string quoted(const std::string& text) {
  std::ostringstream out;
  out << toml::value<std::string>(text);
  return out.str();
}

}  // namespace

bool ListenAddress::loopback() const {
  return address == "::1" || address == "localhost" || address.starts_with("127.");
}

Result<ServerConfig> load_config(const fs::path& file) {
  ServerConfig config;
  try {
    const toml::table table = toml::parse_file(file.string());
    const auto keys = known_keys(config);
    if (Status taken = take_table(table, "", file.string(), keys, config.plugin_policy); !taken)
      return taken.error();
  } catch (const toml::parse_error& problem) {
    const auto line = problem.source().begin.line;
    return invalid(file.string() + (line ? ":" + std::to_string(line) : ""),
                   std::string(problem.description()));
  }
  return config;
}

void apply_environment(ServerConfig& config) {
  if (const char* listen = std::getenv("ROLESYNC_LISTEN")) config.listen = listen;
  if (const char* state = std::getenv("ROLESYNC_STATE_DIR")) config.state_dir = state;
  if (const char* store = std::getenv("ROLESYNC_STORE")) config.store = store;
  if (const char* web = std::getenv("ROLESYNC_WEB_DIR")) config.web_dir = web;
  if (const char* dirs = std::getenv("ROLESYNC_PLUGIN_DIRS")) {
    config.plugin_dirs = split_paths(dirs);
  }
  if (const char* dirs = std::getenv("ROLESYNC_DROP_IN_DIRS")) {
    config.drop_in_dirs = split_paths(dirs);
  }
}

Result<ListenAddress> parse_listen(const std::string& text) {
  const auto colon = text.rfind(':');
  unsigned port = 0;
  ListenAddress result;
  if (colon != std::string::npos) {
    result.address = text.substr(0, colon);
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, port);
    if (error == std::errc{} && stop == end && port <= 65'535 && !result.address.empty()) {
      if (result.address.size() > 2 && result.address.front() == '[' &&
          result.address.back() == ']') {
        result.address = result.address.substr(1, result.address.size() - 2);
      }
      if (result.address == "localhost") result.address = "127.0.0.1";
      result.port = static_cast<std::uint16_t>(port);
      return result;
    }
  }
  return Error{ErrorKind::invalid, "config_invalid",
               "listen \"" + text + "\" is not an address and a port",
               "write it as 127.0.0.1:8770 or [::1]:8770"};
}

fs::path database_file(const ServerConfig& config) {
  return config.state_dir / "rolesync.db";
}

Status complete(ServerConfig& config) {
  std::error_code error;
  if (Status valid = store::check_store_setting(config.store); !valid) return valid;
  config.state_dir = fs::absolute(config.state_dir, error);
  if (config.secrets_dir.empty()) config.secrets_dir = config.state_dir / "secrets";
  if (config.plugin_host.empty()) config.plugin_host = beside_this_program("rolesync-plugin-host");
  if (config.web_dir.empty()) config.web_dir = find_web_dir();
  const auto listen = parse_listen(config.listen);
  if (!listen) return listen.error();
  if (config.tls_certificate.empty() != config.tls_key.empty()) {
    return invalid("tls", "certificate and key need each other");
  }
  if (!listen->loopback() && config.tls_certificate.empty()) {
    return Error{ErrorKind::invalid, "tls_required",
                 "listening on " + config.listen + " without TLS is refused",
                 "run rolesync-server init --tls, or listen on 127.0.0.1"};
  }
  return {};
}

std::string config_text(const ServerConfig& config) {
  std::string text = "# rolesync-server\n";
  text += "listen = " + quoted(config.listen) + "\n";
  text += "state_dir = " + quoted(config.state_dir.string()) + "\n";
  if (config.store != "sqlite") text += "store = " + quoted(config.store) + "\n";
  if (!config.tls_certificate.empty()) {
    text += "\n[tls]\ncertificate = " + quoted(config.tls_certificate) + "\n";
    text += "key = " + quoted(config.tls_key) + "\n";
  }
  text +=
      "\n# Directories on this machine whose repositories may be a code source of transport file.\n"
      "[source]\nallowed_paths = []\n";
  return text;
}

}  // namespace rolesync
