// SPDX-License-Identifier: Apache-2.0
#include "host/services/linux/systemd_bus.hpp"

#include <pwd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace rolesync::systemd {

std::string BusError::text(int code) const {
  return error.message ? error.message : std::strerror(code < 0 ? -code : code);
}

namespace {

Error no_systemd() {
  return {ErrorKind::unavailable, "no_systemd", "this machine is not run by systemd",
          "choose another restart strategy for the role"};
}

Result<Bus> connect_to(const std::string& address, int& code) {
  sd_bus* bus = nullptr;
  if ((code = sd_bus_new(&bus)) < 0) return no_systemd();
  Bus made(bus);
  if ((code = sd_bus_set_address(bus, address.c_str())) < 0 || (code = sd_bus_start(bus)) < 0) {
    return no_systemd();
  }
  sd_bus_set_method_call_timeout(bus, kCallLimitUs);
  return made;
}

Result<Bus> connect_to_user(const std::string& user) {
  std::string buffer(16384, '\0');
  passwd entry{}, *found = nullptr;
  ::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (!found) {
    return Error{ErrorKind::not_found, "user_unknown", "there is no user " + user + " on this node",
                 "create it, or change the strategy's option user"};
  }
  const std::string socket = "/run/user/" + std::to_string(found->pw_uid) + "/systemd/private";
  int code = 0;
  Result<Bus> bus = connect_to("unix:path=" + socket, code);
  if (bus) return bus;
  if (code == -EACCES || code == -EPERM) {
    return Error{ErrorKind::denied, "user_manager_denied",
                 "the agent may not speak to the systemd manager of user " + user,
                 "run the agent as root or as that user; its unit must leave /run/user visible "
                 "(ProtectHome=read-only does, ProtectHome=yes does not)"};
  }
  return Error{
      ErrorKind::unavailable, "user_manager_missing",
      "no systemd manager of user " + user + " runs (" + socket + ": " + std::strerror(-code) + ")",
      "run loginctl enable-linger " + user + " on the node"};
}

}  // namespace

Result<Bus> connect(const std::string& user) {
  if (sd_booted() <= 0) return no_systemd();
  if (!user.empty()) return connect_to_user(user);
  sd_bus* bus = nullptr;
  if (sd_bus_open_system(&bus) >= 0) {
    sd_bus_set_method_call_timeout(bus, kCallLimitUs);
    return Bus(bus);
  }
  if (::geteuid() != 0) return no_systemd();
  int code = 0;
  return connect_to("unix:path=/run/systemd/private", code);
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

std::optional<std::int32_t> number(sd_bus* bus, const char* path, const char* interface,
                                   const char* property) {
  std::int32_t value = 0;
  if (sd_bus_get_property_trivial(bus, kDestination, path, interface, property, nullptr, 'i',
                                  &value) < 0) {
    return std::nullopt;
  }
  return value;
}

bool flag(sd_bus* bus, const char* path, const char* interface, const char* property) {
  int value = 0;
  return sd_bus_get_property_trivial(bus, kDestination, path, interface, property, nullptr, 'b',
                                     &value) >= 0 &&
         value != 0;
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
