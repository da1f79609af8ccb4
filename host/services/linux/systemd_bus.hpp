// SPDX-License-Identifier: Apache-2.0
// A connection to systemd and what can be read over it. A connection belongs to one thread at a
// time.
#pragma once
#include <systemd/sd-bus.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/values/result.hpp"
#include "host/values/timestamp.hpp"

namespace rolesync::systemd {

inline constexpr const char* kDestination = "org.freedesktop.systemd1";
inline constexpr const char* kManagerPath = "/org/freedesktop/systemd1";
inline constexpr const char* kManager = "org.freedesktop.systemd1.Manager";
inline constexpr const char* kService = "org.freedesktop.systemd1.Service";
inline constexpr const char* kUnit = "org.freedesktop.systemd1.Unit";
inline constexpr std::uint64_t kCallLimitUs = 5'000'000;

struct BusClose {
  void operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
};
using Bus = std::unique_ptr<sd_bus, BusClose>;

struct MessageUnref {
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
using Message = std::unique_ptr<sd_bus_message, MessageUnref>;

struct BusError {
  sd_bus_error error = SD_BUS_ERROR_NULL;
  ~BusError() { sd_bus_error_free(&error); }
  std::string text(int code) const;
  bool is(const char* name) const { return sd_bus_error_has_name(&error, name) > 0; }
};

// To the system's manager: over the system bus, or for root over systemd's own socket on a machine
// without a message bus. To a user's manager: over the manager's own socket, which answers that
// user and root. Errors: unavailable/no_systemd, not_found/user_unknown,
// unavailable/user_manager_missing, denied/user_manager_denied.
Result<Bus> connect(const std::string& user);

// Properties of the object at `path`; what cannot be read is absent.
std::optional<Millis> timestamp(sd_bus* bus, const char* path, const char* interface,
                                const char* property);
std::string text(sd_bus* bus, const char* path, const char* interface, const char* property);
std::optional<std::int32_t> number(sd_bus* bus, const char* path, const char* interface,
                                   const char* property);
bool flag(sd_bus* bus, const char* path, const char* interface, const char* property);
std::vector<std::string> texts(sd_bus* bus, const char* path, const char* interface,
                               const char* property);
// Of the object of a unit.
std::string unit_path(const std::string& unit);

}  // namespace rolesync::systemd
