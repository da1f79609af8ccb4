// SPDX-License-Identifier: Apache-2.0
// The doctor's checks. Each looks at one precondition, changes nothing that stays, and returns what
// it found; those named judge_... only judge what they are given. Any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/agent/config.hpp"
#include "host/agent/contact.hpp"
#include "host/agent/doctor/finding.hpp"
#include "host/client/server_trial.hpp"
#include "host/services/unit_settings.hpp"
#include "host/services/units.hpp"
#include "host/values/timestamp.hpp"

namespace rolesync::agent::doctor {

// config_checks.cpp
Finding check_config_file(const std::string& path);  // who may change what the agent obeys
Finding check_completeness(const AgentConfig& config);
Finding check_command_user(const AgentConfig& config, const std::vector<Role>& roles);

// state_checks.cpp
Finding check_state_directory(const AgentConfig& config);
Finding check_state_space(const AgentConfig& config);
Finding judge_space(std::uint64_t free_bytes, const std::string& file_system);
Finding check_running(const AgentConfig& config);
Finding check_credential(const AgentConfig& config);
Finding check_last_end(const AgentConfig& config, const std::string& boot_id);

// contact_checks.cpp
Findings check_contact(const AgentConfig& config);  // what the agent itself says of its server
// `running`: the process that wrote it still runs. Nothing when no agent has run here.
Findings judge_contact(const std::optional<ContactStatus>& status, bool running, Millis now);

// cgroup_checks.cpp
Finding check_cgroup(const AgentConfig& config);
// Tries it below that cgroup ("": there is none of version 2), with a program of its own.
Finding try_cgroup(const std::string& cgroup);

// server_checks.cpp
Findings check_server(const ServerAddress& address, const std::string& credential);
Findings judge_trial(const ServerAddress& address, const ServerTrial& trial, bool has_credential,
                     Millis now);

// plugin_checks.cpp
Findings check_plugin_directories(const AgentConfig& config);
Findings check_plugins(const AgentConfig& config);

// program_checks.cpp
Finding check_rsync();
Finding judge_rsync(const std::string& version_output);
Findings check_repositories(const AgentConfig& config);

// root_checks.cpp
Findings check_roots(const AgentConfig& config);
Finding check_root_owner(const std::string& root);
Finding check_root_switch(const std::string& root);
Finding check_root_file_system(const std::string& root, const std::vector<Role>& roles);
Finding check_watches(const AgentConfig& config, const std::vector<Role>& roles);
Finding judge_watches(std::size_t directories, std::optional<std::uint64_t> limit);

// system_checks.cpp
Finding check_kernel();
Finding judge_kernel(const std::string& release);
Finding check_open_files();
Finding judge_open_files(std::uint64_t limit);
Finding check_ports();
Finding check_port_owners();
Finding check_time();

// unit_checks.cpp
Finding check_bus();
Findings check_allowed_units(const AgentConfig& config, Units& units);
Findings check_our_units(const AgentConfig& config);
Findings judge_unit(const UnitSettings& unit, const AgentConfig& config);
Finding judge_recover_unit(const UnitSettings& unit);

}  // namespace rolesync::agent::doctor
