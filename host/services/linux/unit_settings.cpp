// SPDX-License-Identifier: Apache-2.0
#include "host/services/unit_settings.hpp"

#include <systemd/sd-daemon.h>

#include <algorithm>

#include "host/services/linux/systemd_bus.hpp"

namespace rolesync {

using namespace systemd;

namespace {

bool flag(sd_bus* bus, const char* path, const char* property) {
  int value = 0;
  return sd_bus_get_property_trivial(bus, kDestination, path, kService, property, nullptr, 'b',
                                     &value) >= 0 &&
         value != 0;
}

std::optional<std::uint64_t> number(sd_bus* bus, const char* path, const char* property) {
  std::uint64_t value = 0;
  if (sd_bus_get_property_trivial(bus, kDestination, path, kService, property, nullptr, 't',
                                  &value) < 0) {
    return std::nullopt;
  }
  return value;
}

// Of the shape (bas).
UnitFilter filter(sd_bus* bus, const char* path, const char* property) {
  UnitFilter read;
  sd_bus_message* raw = nullptr;
  if (sd_bus_get_property(bus, kDestination, path, kService, property, nullptr, &raw, "(bas)") <
      0) {
    return read;
  }
  const Message message(raw);
  int allows = 0;
  char** names = nullptr;
  if (sd_bus_message_enter_container(raw, 'r', "bas") < 0 ||
      sd_bus_message_read(raw, "b", &allows) < 0 || sd_bus_message_read_strv(raw, &names) < 0) {
    return read;
  }
  read.allows = allows != 0;
  for (char** each = names; each && *each; ++each) {
    read.names.emplace_back(*each);
    ::free(*each);
  }
  ::free(names);
  return read;
}

}  // namespace

bool UnitFilter::permits(const std::string& name) const {
  const bool listed = std::any_of(names.begin(), names.end(), [&](const std::string& each) {
    return each == name || each.rfind(name + ":", 0) == 0;  // "name:errno"
  });
  return listed == allows || (names.empty() && !allows);
}

std::optional<UnitSettings> unit_settings(const std::string& unit) {
  const Result<Bus> connected = connect("");
  if (!connected) return std::nullopt;
  sd_bus* bus = connected->get();
  const std::string object = unit_path(unit);
  const char* path = object.c_str();
  UnitSettings settings;
  settings.name = unit;
  settings.load_state = text(bus, path, kUnit, "LoadState");
  if (settings.load_state.empty()) return std::nullopt;
  settings.file_state = text(bus, path, kUnit, "UnitFileState");
  settings.type = text(bus, path, kService, "Type");
  settings.restart = text(bus, path, kService, "Restart");
  settings.kill_mode = text(bus, path, kService, "KillMode");
  settings.user = text(bus, path, kService, "User");
  settings.protect_system = text(bus, path, kService, "ProtectSystem");
  settings.protect_home = text(bus, path, kService, "ProtectHome");
  settings.writable = texts(bus, path, kService, "ReadWritePaths");
  settings.read_only = texts(bus, path, kService, "ReadOnlyPaths");
  settings.inaccessible = texts(bus, path, kService, "InaccessiblePaths");
  settings.private_network = flag(bus, path, "PrivateNetwork");
  settings.delegate = flag(bus, path, "Delegate");
  settings.address_families = filter(bus, path, "RestrictAddressFamilies");
  settings.system_calls = filter(bus, path, "SystemCallFilter");
  settings.capabilities = number(bus, path, "CapabilityBoundingSet");
  settings.watchdog_us = number(bus, path, "WatchdogUSec").value_or(0);
  return settings;
}

SystemdState systemd_state() {
  if (sd_booted() <= 0) return SystemdState::not_there;
  return connect("") ? SystemdState::reachable : SystemdState::unreachable;
}

}  // namespace rolesync
