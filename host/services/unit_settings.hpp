// SPDX-License-Identifier: Apache-2.0
// How systemd runs a unit: what of its file restricts or restarts the service. For those who want
// to know whether a service can do its work under it. Any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rolesync {

// A setting that allows only what it lists, or forbids that.
struct UnitFilter {
  bool allows = false;  // false with an empty list: nothing is restricted
  std::vector<std::string> names;
  bool permits(const std::string& name) const;
};

struct UnitSettings {
  std::string name, load_state;
  std::string file_state;  // "enabled", "disabled", ...; empty: not known
  std::string type, restart, kill_mode, user;
  std::string protect_system, protect_home;  // "no", "yes", "full", "strict", "read-only", ...
  std::vector<std::string> writable, read_only, inaccessible;
  bool private_network = false, delegate = false;
  UnitFilter address_families, system_calls;
  std::optional<std::uint64_t> capabilities;  // the bounding set
  std::uint64_t watchdog_us = 0;
};

// Nothing when systemd cannot be asked.
std::optional<UnitSettings> unit_settings(const std::string& unit);

enum class SystemdState { not_there, reachable, unreachable };
SystemdState systemd_state();

}  // namespace rolesync
