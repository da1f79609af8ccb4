// SPDX-License-Identifier: Apache-2.0
#include <linux/capability.h>

#include <array>

#include "host/agent/doctor/checks.hpp"

namespace rolesync::agent::doctor {
namespace {

constexpr const char* kAgentUnit = "rolesync-agent.service";
constexpr const char* kRecoverUnit = "rolesync-recover.service";

bool covers(const std::string& directory, const std::string& path) {
  if (directory == "/" || directory == path) return true;
  return path.rfind(directory + "/", 0) == 0;
}

// Entries may begin with '-' (ignore when missing) and '+' (below RootDirectory).
bool any_covers(const std::vector<std::string>& list, const std::string& path) {
  for (const std::string& entry : list) {
    if (covers(entry.substr(entry.find_first_not_of("-+")), path)) return true;
  }
  return false;
}

bool below_any(const std::string& path, std::initializer_list<const char*> directories) {
  for (const char* directory : directories) {
    if (covers(directory, path)) return true;
  }
  return false;
}

bool is_protected(const UnitSettings& unit, const std::string& path) {
  if (any_covers(unit.inaccessible, path)) return true;
  if (any_covers(unit.writable, path)) return false;
  const std::string& system = unit.protect_system;
  const std::string& home = unit.protect_home;
  if (any_covers(unit.read_only, path)) return true;
  if (home != "no" && !home.empty() && below_any(path, {"/home", "/root", "/run/user"}))
    return true;
  if (system == "strict") return true;
  if (system == "full") return below_any(path, {"/usr", "/boot", "/efi", "/etc"});
  return system == "yes" && below_any(path, {"/usr", "/boot", "/efi"});
}

// Files cannot be moved out of a root that is put together of several writable pieces.
bool is_divided(const UnitSettings& unit, const std::string& root) {
  for (const std::string& entry : unit.writable) {
    const std::string path = entry.substr(entry.find_first_not_of("-+"));
    if (path != root && covers(root, path)) return true;
  }
  return false;
}

void judge_paths(const UnitSettings& unit, const AgentConfig& config, Findings& findings) {
  for (const std::string& root : config.limits.allowed_roots) {
    if (is_protected(unit, root)) {
      findings.push_back(failure("unit.paths", "unit_read_only",
                                 unit.name + " may not write to the allowed root " + root +
                                     (is_divided(unit, root) ? ", only to a part of it" : ""),
                                 "name " + root + " itself in ReadWritePaths="));
    } else if (is_divided(unit, root)) {
      findings.push_back(failure("unit.paths", "unit_divides_root",
                                 unit.name + " makes a directory below the allowed root " + root +
                                     " a mount of its own, into which nothing can be moved",
                                 "name only " + root + " itself in ReadWritePaths="));
    }
  }
  for (const std::string& repository : config.source_repositories) {
    const bool hidden = unit.protect_home == "yes" || unit.protect_home == "tmpfs";
    if (any_covers(unit.inaccessible, repository) ||
        (hidden && below_any(repository, {"/home", "/root", "/run/user"}))) {
      findings.push_back(failure("unit.paths", "unit_hides_repository",
                                 unit.name + " cannot see the repository " + repository,
                                 "use ProtectHome=read-only"));
    }
  }
}

void judge_network(const UnitSettings& unit, Findings& findings) {
  if (unit.private_network) {
    findings.push_back(failure("unit.network", "unit_without_network",
                               unit.name + " has PrivateNetwork=yes: it cannot reach its server",
                               "remove PrivateNetwork="));
  }
  constexpr std::array<std::pair<const char*, const char*>, 3> families = {{
      {"AF_UNIX", "systemd cannot be asked and told"},
      {"AF_NETLINK", "listening ports are not seen"},
      {"AF_INET", "the server cannot be reached"},
  }};
  for (const auto& [family, consequence] : families) {
    if (unit.address_families.permits(family)) continue;
    findings.push_back(failure("unit.network", "unit_forbids_family",
                               unit.name + " forbids " + family + ": " + consequence,
                               std::string("add ") + family + " to RestrictAddressFamilies="));
  }
}

void judge_calls(const UnitSettings& unit, Findings& findings) {
  for (const char* call : {"renameat2", "pidfd_open", "inotify_add_watch", "flock", "syncfs",
                           "fchownat", "execve", "kill"}) {
    if (unit.system_calls.permits(call)) continue;
    findings.push_back(failure("unit.system_calls", "unit_forbids_call",
                               unit.name + " forbids the system call " + call,
                               std::string("add ") + call + " to SystemCallFilter="));
  }
  struct Need {
    int capability;
    const char* name;
    const char* purpose;
  };
  constexpr std::array<Need, 5> needs = {{
      {CAP_CHOWN, "CAP_CHOWN", "files cannot be given to their owner"},
      {CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE", "directories of other users cannot be written"},
      {CAP_SETUID, "CAP_SETUID", "commands cannot run as the owner of the files"},
      {CAP_KILL, "CAP_KILL", "programs of other users cannot be stopped"},
      {CAP_SYS_PTRACE, "CAP_SYS_PTRACE", "owners of ports are not seen"},
  }};
  const bool is_root = unit.user.empty() || unit.user == "root";
  for (const Need& need : needs) {
    if (!is_root || !unit.capabilities || (*unit.capabilities >> need.capability & 1) != 0)
      continue;
    findings.push_back(warning("unit.capabilities", "unit_lacks_capability",
                               unit.name + " has no " + need.name + ": " + need.purpose,
                               std::string("add ") + need.name + " to CapabilityBoundingSet="));
  }
}

void judge_life(const UnitSettings& unit, Findings& findings) {
  if (unit.restart != "always") {
    findings.push_back(
        warning("unit.restart", "unit_not_restarted",
                unit.name + " has Restart=" + unit.restart + ": an agent that ends stays away",
                "set Restart=always"));
  }
  if (unit.kill_mode != "process") {
    findings.push_back(warning("unit.kill_mode", "unit_kills_programs",
                               unit.name + " has KillMode=" + unit.kill_mode +
                                   ": programs of roles with the restart strategy `process` end "
                                   "whenever the agent is restarted",
                               "set KillMode=process"));
  }
  if (unit.type != "notify" || unit.watchdog_us == 0) {
    findings.push_back(warning("unit.watchdog", "unit_without_watchdog",
                               unit.name + " does not notice an agent that hangs",
                               "set Type=notify and WatchdogSec=60, as in packaging/systemd"));
  }
  if (!unit.delegate) {
    findings.push_back(warning("unit.delegate", "unit_without_delegation",
                               unit.name + " has Delegate=no: control groups that the agent makes "
                                           "for commands of roles are systemd's to remove",
                               "set Delegate=yes"));
  }
}

}  // namespace

Finding check_bus() {
  switch (systemd_state()) {
    case SystemdState::not_there:
      return fine("systemd.bus", "systemd does not run this machine; roles use other strategies");
    case SystemdState::reachable:
      return fine("systemd.bus", "systemd answers");
    case SystemdState::unreachable:
      break;
  }
  return failure("systemd.bus", "bus_unreachable", "systemd runs, but cannot be asked",
                 "is dbus running, and AF_UNIX allowed in RestrictAddressFamilies=?");
}

Findings check_allowed_units(const AgentConfig& config, Units& units) {
  std::vector<std::string> named;
  for (const std::string& unit : config.limits.allowed_units) {
    if (unit.find_first_of("*?[") == std::string::npos) named.push_back(unit);
  }
  Findings findings;
  if (named.empty()) return findings;
  for (const auto& [unit, status] : units.status(named)) {
    if (status.reason.starts_with("user_")) {
      findings.push_back(warning("systemd.unit", status.reason.c_str(),
                                 unit + " cannot be asked for: that user's systemd manager does "
                                        "not answer",
                                 "loginctl enable-linger for that user"));
    }
    if (!status.reason.empty()) continue;  // systemd.bus says it
    if (status.load_state == "not-found") {
      findings.push_back(warning("systemd.unit", "unit_missing",
                                 "allowed_units names " + unit + ", which does not exist",
                                 "install it, or correct allowed_units"));
    } else if (status.load_state != "loaded") {
      findings.push_back(
          warning("systemd.unit", status.load_state == "masked" ? "unit_masked" : "unit_invalid",
                  unit + " is " + status.load_state, "see systemctl status " + unit));
    } else {
      findings.push_back(fine("systemd.unit", unit + " is " + status.active_state));
    }
  }
  return findings;
}

Findings judge_unit(const UnitSettings& unit, const AgentConfig& config) {
  Findings findings;
  judge_paths(unit, config, findings);
  judge_network(unit, findings);
  judge_calls(unit, findings);
  if (!any_failed(findings)) {
    findings.insert(findings.begin(), fine("unit", unit.name + " lets the agent do its work"));
  }
  judge_life(unit, findings);
  return findings;
}

Finding judge_recover_unit(const UnitSettings& unit) {
  if (unit.load_state == "loaded" && unit.file_state == "enabled") {
    return fine("unit.recover", unit.name + " runs before services start");
  }
  return warning("unit.recover", "recover_not_enabled",
                 unit.load_state == "loaded" ? unit.name + " is " + unit.file_state
                                             : "there is no " + unit.name,
                 "systemctl enable rolesync-recover: else, after a loss of power, services may "
                 "start on half a tree");
}

Findings check_our_units(const AgentConfig& config) {
  const auto ours = unit_settings(kAgentUnit);
  if (!ours || ours->load_state != "loaded") return {};  // the agent is started in another way
  Findings findings = judge_unit(*ours, config);
  if (const auto recover = unit_settings(kRecoverUnit)) {
    findings.push_back(judge_recover_unit(*recover));
  }
  return findings;
}

}  // namespace rolesync::agent::doctor
