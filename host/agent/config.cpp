// SPDX-License-Identifier: Apache-2.0
#include "host/agent/config.hpp"

#include <arpa/inet.h>
#include <unistd.h>

#include <filesystem>

#include "host/agent/config_reader.hpp"
#include "host/agent/doctor/trusted_path.hpp"
#include "host/agent/identity.hpp"
#include "host/role/role_defaults.hpp"
#include "host/services/durable_file.hpp"
#include "host/values/names.hpp"

namespace rolesync::agent {
namespace {

constexpr const char* kDefaultFile = "/etc/rolesync/agent.toml";

Error invalid_config(std::string message) {
  return {ErrorKind::invalid, "invalid_config", std::move(message),
          "correct the agent's config and start it again"};
}

void read_seconds(ConfigReader& reader, const char* key, std::chrono::seconds& into) {
  std::int64_t seconds = into.count();
  reader.number(key, 1, 86'400, seconds);
  into = std::chrono::seconds(seconds);
}

// Calls `read` for a section that is there, and refuses its unknown keys.
template <class Read>
void in_section(ConfigReader& parent, const std::string& file, const char* name,
                std::string& problem, Read read) {
  const toml::table* table = parent.section(name);
  if (!table) return;
  ConfigReader reader(*table, file, name, problem);
  read(reader);
  reader.refuse_others();
}

void read_plugins(ConfigReader& reader, const std::string& file, std::string& problem,
                  plugin::Policy& policy) {
  if (reader.has("allowed_sha256")) {
    std::vector<std::string> list;
    reader.texts("allowed_sha256", list);
    auto hashes = plugin::read_allowed_sha256(list);
    reader.check("allowed_sha256", hashes ? Status{} : Status{hashes.error()});
    policy.allowed_sha256 = hashes ? std::move(*hashes) : std::set<std::string>();
  }
  auto memory = static_cast<std::int64_t>(policy.child.memory_bytes >> 20);
  reader.number("child_memory_mb", 16, 1'048'576, memory);
  policy.child.memory_bytes = static_cast<std::uint64_t>(memory) << 20;
  in_section(reader, file, "modes", problem, [&](ConfigReader& modes) {
    modes.each_text([&](const std::string& name, const std::string& mode) -> Status {
      const auto isolated = plugin::read_mode(name, mode);
      if (!isolated) return isolated.error();
      policy.isolated[name] = *isolated;
      return {};
    });
  });
}

void read_sections(ConfigReader& top, const std::string& file, std::string& problem,
                   AgentConfig& config) {
  in_section(top, file, "server", problem, [&](ConfigReader& reader) {
    reader.text_or_texts("url", config.server_urls);
    reader.text("certificate_sha256", config.certificate_sha256);
    reader.text("ca_file", config.ca_file);
  });
  in_section(top, file, "commands", problem, [&](ConfigReader& reader) {
    reader.flag("allowed", config.limits.commands_allowed);
    reader.flag("as_root", config.limits.commands_as_root);
    reader.texts("users", config.limits.command_users);
    for (const char* key : {"allowed", "as_root", "users"}) {
      reader.note_place(key, config.limits.places);
    }
    read_seconds(reader, "timeout_seconds", config.command_limit);
  });
  in_section(top, file, "source", problem, [&](ConfigReader& reader) {
    reader.texts("repositories", config.source_repositories);
    reader.note_place("repositories", config.limits.places);
  });
  in_section(top, file, "health", problem, [&](ConfigReader& reader) {
    read_seconds(reader, "timeout_seconds", config.health_limit);
  });
  in_section(top, file, "self_update", problem, [&](ConfigReader& reader) {
    read_seconds(reader, "confirm_seconds", config.self_update_limit);
  });
  in_section(top, file, "plugins", problem, [&](ConfigReader& reader) {
    read_plugins(reader, file, problem, config.plugin_policy);
  });
  in_section(top, file, "log", problem, [&](ConfigReader& reader) {
    reader.text("format", config.log_format);
    reader.text("level", config.log_level);
  });
  in_section(top, file, "defaults", problem, [&](ConfigReader& reader) {
    reader.text("component_deployer", config.role_defaults.component_deployer);
    reader.text("package_deployer", config.role_defaults.package_deployer);
    reader.text("detector", config.role_defaults.detector);
    reader.text("restart_strategy", config.role_defaults.restart_strategy);
    reader.text("serviceless_strategy", config.role_defaults.serviceless_strategy);
  });
}

std::string beside_our_program(const char* name) {
  std::error_code failure;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failure);
  return failure ? name : (self.parent_path() / name).string();
}

std::string absolute(const std::string& path) {
  std::error_code failure;
  const auto full = std::filesystem::absolute(path, failure);
  return failure ? path : full.lexically_normal().string();
}

std::string from(const std::map<std::string, std::string>& environment, const char* name) {
  auto it = environment.find(name);
  return it == environment.end() ? "" : it->second;
}

Status read_config_file(const ConfigFlags& flags,
                        const std::map<std::string, std::string>& environment,
                        AgentConfig& config) {
  const auto [file, named] = config_file_of(flags, environment);
  Result<std::optional<std::string>> text = read_if_there(file);
  if (!text) return invalid_config(text.error().message);
  if (text->has_value()) {
    // Whoever can write it decides what the server may do here.
    if (const auto problem = doctor::unsafe_owner(file)) {
      return Error{ErrorKind::denied, "config_unsafe",
                   "the config " + file + " is not safe: " + *problem,
                   "let it and the directories above it belong to root or the agent's user, and "
                   "chmod go-w them"};
    }
    config.config_file = absolute(file);
    return read_config_text(**text, file, config);
  }
  config.limits.config_file = file;
  if (named) return invalid_config("there is no config file " + file);
  return {};
}

}  // namespace

ConfigFile config_file_of(const ConfigFlags& flags,
                          const std::map<std::string, std::string>& environment) {
  std::string file = flags.config_file;
  if (file.empty()) file = from(environment, "ROLESYNC_CONFIG");
  if (file.empty()) return {kDefaultFile, false};
  return {std::move(file), true};
}

ServerAddress AgentConfig::server(std::size_t index) const {
  return {server_urls[index % server_urls.size()], certificate_sha256, ca_file};
}

Role AgentConfig::localized(Role role) const {
  if (!role.target_path.empty()) role.target_path.insert(0, path_prefix);
  return role;
}

Status read_config_text(const std::string& text, const std::string& name, AgentConfig& config) {
  toml::table table;
  try {
    table = toml::parse(text, name);
  } catch (const toml::parse_error& error) {
    return invalid_config(name + ":" + std::to_string(error.source().begin.line) + ": " +
                          std::string(error.description()));
  }
  std::string problem;
  ConfigReader reader(table, name, "", problem);
  reader.text("node_id", config.node_id);
  reader.text("credential_file", config.credential_file);
  reader.text("state_dir", config.state_dir);
  reader.texts("plugin_dirs", config.plugin_dirs);
  reader.texts("drop_in_dirs", config.drop_in_dirs);
  reader.text("plugin_host", config.plugin_host);
  reader.texts("allowed_roots", config.limits.allowed_roots);
  reader.text("path_prefix", config.path_prefix);
  reader.text("health_address", config.health_address);
  reader.texts("allowed_units", config.limits.allowed_units);
  config.limits.config_file = name;
  for (const char* key : {"allowed_roots", "allowed_units"}) {
    reader.note_place(key, config.limits.places);
  }
  auto keep = static_cast<std::int64_t>(config.keep_releases);
  reader.number("keep_releases", 1, 100, keep);
  config.keep_releases = static_cast<std::size_t>(keep);
  auto tasks = static_cast<std::int64_t>(config.parallel_tasks);
  reader.number("parallel_tasks", 1, 64, tasks);
  config.parallel_tasks = static_cast<std::size_t>(tasks);
  auto queue = static_cast<std::int64_t>(config.queue_limit);
  reader.number("queue_limit", 10, 1'000'000, queue);
  config.queue_limit = static_cast<std::size_t>(queue);
  read_seconds(reader, "detect_seconds", config.detect_interval);
  read_sections(reader, name, problem, config);
  reader.refuse_others();
  if (!problem.empty()) return invalid_config(problem);
  return {};
}

Result<AgentConfig> load_config(const ConfigFlags& flags,
                                const std::map<std::string, std::string>& environment) {
  AgentConfig config;
  config.role_defaults = usual_role_defaults();
  if (Status status = read_config_file(flags, environment, config); !status) {
    return status.error();
  }
  const auto override_with = [&](std::string& value, const std::string& flag, const char* name) {
    const std::string variable = from(environment, name);
    if (!variable.empty()) value = variable;
    if (!flag.empty()) value = flag;
  };
  override_with(config.node_id, flags.node_id, "ROLESYNC_NODE_ID");
  override_with(config.state_dir, flags.state_dir, "ROLESYNC_STATE_DIR");
  std::string url;
  override_with(url, flags.server_url, "ROLESYNC_URL");
  if (!url.empty()) config.server_urls = {url};
  if (!flags.plugin_dirs.empty()) config.plugin_dirs = flags.plugin_dirs;
  config.state_dir = absolute(config.state_dir);
  for (std::string& root : config.limits.allowed_roots) root.insert(0, config.path_prefix);
  if (config.credential_file.empty()) config.credential_file = config.state_dir + "/credential";
  if (config.plugin_host.empty()) config.plugin_host = beside_our_program("rolesync-plugin-host");
  if (Status status = apply_identity(config); !status) return status.error();
  return config;
}

Status check_config(const AgentConfig& config) {
  if (!is_name(config.node_id)) {
    return invalid_config(config.node_id.empty()
                              ? "no node_id is configured, and the node has not joined"
                              : "node_id '" + config.node_id + "' is not a name");
  }
  if (config.server_urls.empty()) return invalid_config("no server url is configured");
  for (const std::string& root : config.limits.allowed_roots) {
    if (Status status = check_target_path(root); !status) {
      return invalid_config("allowed_roots: " + status.error().message);
    }
  }
  if (!config.path_prefix.empty()) {
    if (Status status = check_target_path(config.path_prefix); !status) {
      return invalid_config("path_prefix: " + status.error().message);
    }
  }
  in_addr address{};
  if (::inet_pton(AF_INET, config.probed_address().c_str(), &address) != 1) {
    return invalid_config("health_address must be an IPv4 address");
  }
  if (config.log_format != "text" && config.log_format != "json") {
    return invalid_config("log.format must be \"text\" or \"json\"");
  }
  return {};
}

}  // namespace rolesync::agent
