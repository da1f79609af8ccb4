// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "host/agent/doctor/checks.hpp"
#include "host/plugin/registry.hpp"

namespace rolesync::agent::doctor {
namespace {

// Beside the agent's own copies, which a second registry there would remove.
struct PrivateDirectory {
  explicit PrivateDirectory(const std::string& wanted) : path(wanted + "/doctor-XXXXXX") {
    if (!::mkdtemp(path.data())) {
      path = std::filesystem::temp_directory_path().string() + "/rolesync-doctor-XXXXXX";
      if (!::mkdtemp(path.data())) path.clear();
    }
  }
  ~PrivateDirectory() {
    std::error_code ignored;
    if (!path.empty()) std::filesystem::remove_all(path, ignored);
  }
  std::string path;
};

Finding about(const plugin::PluginInfo& info) {
  const std::string check = "plugin." + info.name;
  if (info.state != plugin::PluginState::ready) {
    return failure(
        check, info.reason, info.path.string() + ": " + info.detail,
        "`rolesync plugin check " + info.path.string() + "`; docs/reasons.md has the code");
  }
  if (!info.reason.empty()) {
    return warning(check, info.reason, info.path.string() + ": " + info.detail,
                   "remove one of the two files");
  }
  return fine(check, info.version + (info.isolated ? ", in a child of its own" : ", in the agent"));
}

void check_default(const plugin::Registry& registry, const char* kind, const std::string& id,
                   Findings& findings) {
  if (id.empty() || registry.has(kind, id)) return;
  findings.push_back(
      failure(std::string("plugin.default.") + kind, "plugin_missing",
              std::string("the ") + kind + " " + id +
                  ", which roles get that name none, is in no plugin directory",
              "install the package's plugins, or correct plugin_dirs and [defaults]"));
}

}  // namespace

Findings check_plugin_directories(const AgentConfig& config) {
  Findings findings;
  const auto check = [&](const std::string& directory, const char* key, bool needed) {
    struct stat found {};
    const bool there = ::stat(directory.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
    if (there) {
      findings.push_back(fine("plugins.directory", directory));
    } else if (needed) {
      findings.push_back(warning("plugins.directory", "plugin_directory_missing",
                                 directory + " is not there",
                                 std::string("install the plugins, or correct ") + key));
    }
  };
  for (const std::string& directory : config.plugin_dirs) check(directory, "plugin_dirs", true);
  for (const std::string& directory : config.drop_in_dirs) check(directory, "drop_in_dirs", false);
  if (::access(config.plugin_host.c_str(), X_OK) != 0) {
    findings.push_back(
        failure("plugins.host", "plugin_host_missing",
                config.plugin_host + " cannot be run, so no plugin can be loaded",
                "install rolesync-plugin-host beside the agent, or set plugin_host"));
  }
  return findings;
}

Findings check_plugins(const AgentConfig& config) {
  const PrivateDirectory place(config.state_dir);
  if (place.path.empty()) {
    return {failure("plugins", "private_directory_unusable",
                    "there is no place for private copies of plugins",
                    "make the state directory writable")};
  }
  plugin::RegistryOptions options;
  options.packaged_directories.assign(config.plugin_dirs.begin(), config.plugin_dirs.end());
  options.drop_in_directories.assign(config.drop_in_dirs.begin(), config.drop_in_dirs.end());
  options.private_directory = place.path + "/plugins";
  options.plugin_host_program = config.plugin_host;
  options.policy = config.plugin_policy;
  const plugin::Registry registry(options);
  Findings findings;
  for (const plugin::PluginInfo& info : registry.plugins()) findings.push_back(about(info));
  const RoleDefaults& defaults = config.role_defaults;
  check_default(registry, "deployer", defaults.component_deployer, findings);
  check_default(registry, "detector", defaults.detector, findings);
  check_default(registry, "restart_strategy", defaults.restart_strategy, findings);
  check_default(registry, "restart_strategy", defaults.serviceless_strategy, findings);
  return findings;
}

}  // namespace rolesync::agent::doctor
