// SPDX-License-Identifier: Apache-2.0
#include "host/agent/doctor/doctor.hpp"

#include "host/agent/credential.hpp"
#include "host/agent/doctor/checks.hpp"
#include "host/agent/installations.hpp"
#include "host/services/clock.hpp"

namespace rolesync::agent::doctor {
namespace {

void add(Findings& all, Findings more) {
  for (Finding& each : more) all.push_back(std::move(each));
}

void examine_machine(Findings& all) {
  all.push_back(check_kernel());
  all.push_back(check_open_files());
  all.push_back(check_ports());
  all.push_back(check_port_owners());
  all.push_back(check_time());
  all.push_back(check_bus());
  all.push_back(check_rsync());
}

void examine_node(const AgentConfig& config, Findings& all) {
  all.push_back(check_completeness(config));
  const std::vector<Role> roles = Installations(real_file_system(), config).known_roles();
  all.push_back(check_command_user(config, roles));
  all.push_back(check_state_directory(config));
  all.push_back(check_state_space(config));
  all.push_back(check_running(config));
  add(all, check_contact(config));
  all.push_back(check_last_end(config, real_clock().boot_id()));
  all.push_back(check_credential(config));
  const Result<std::string> credential = Credential::read(config);
  for (std::size_t i = 0; i < config.server_urls.size(); ++i) {
    add(all, check_server(config.server(i), credential ? *credential : ""));
  }
  add(all, check_plugin_directories(config));
  add(all, check_plugins(config));
  add(all, check_repositories(config));
  add(all, check_roots(config));
  all.push_back(check_watches(config, roles));
  add(all, check_allowed_units(config, *systemd_units()));
  add(all, check_our_units(config));
  all.push_back(check_cgroup(config));
}

}  // namespace

Findings examine(const ConfigFlags& flags, const std::map<std::string, std::string>& environment) {
  Findings all;
  all.push_back(check_config_file(config_file_of(flags, environment).path));
  const Result<AgentConfig> config = load_config(flags, environment);
  if (config) {
    examine_node(*config, all);
  } else {
    all.push_back(failure("config.readable", config.error()));
  }
  examine_machine(all);
  return all;
}

}  // namespace rolesync::agent::doctor
