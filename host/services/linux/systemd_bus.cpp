// SPDX-License-Identifier: Apache-2.0
#include "host/services/linux/systemd_bus.hpp"

#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace rolesync::systemd {

std::string BusError::text(int code) const {
  return error.message ? error.message : std::strerror(code < 0 ? -code : code);
}

Bus connect() {
  if (sd_booted() <= 0) return nullptr;
  sd_bus* bus = nullptr;
  if (sd_bus_open_system(&bus) < 0) {
    if (::geteuid() != 0 || sd_bus_new(&bus) < 0) return nullptr;
    if (sd_bus_set_address(bus, "unix:path=/run/systemd/private") < 0 || sd_bus_start(bus) < 0) {
      sd_bus_unref(bus);
      return nullptr;
    }
  }
  sd_bus_set_method_call_timeout(bus, kCallLimitUs);
  return Bus(bus);
}

std::optional<Millis> timestamp(sd_bus* bus, const char* path, const char* interface,
                                const char* property) {
  std::uint64_t microseconds = 0;
  if (sd_bus_get_property_trivial(bus, kDestination, path, interface, property, nullptr, 't',
                                  &microseconds) < 0 ||
      microseconds == 0) {
    return std::nullopt;
  }
  return static_cast<Millis>(microseconds / 1000);
}

std::string text(sd_bus* bus, const char* path, const char* interface, const char* property) {
  char* value = nullptr;
  if (sd_bus_get_property_string(bus, kDestination, path, interface, property, nullptr, &value) <
      0) {
    return "";
  }
  std::string copy(value);
  ::free(value);
  return copy;
}

std::vector<std::string> texts(sd_bus* bus, const char* path, const char* interface,
                               const char* property) {
  char** values = nullptr;
  if (sd_bus_get_property_strv(bus, kDestination, path, interface, property, nullptr, &values) <
      0) {
    return {};
  }
  std::vector<std::string> copies;
  for (char** each = values; each && *each; ++each) {
    copies.emplace_back(*each);
    ::free(*each);
  }
  ::free(values);
  return copies;
}

std::string unit_path(const std::string& unit) {
  char* encoded = nullptr;
  if (sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit.c_str(), &encoded) < 0) return "";
  std::string path(encoded);
  ::free(encoded);
  return path;
}

}  // namespace rolesync::systemd
