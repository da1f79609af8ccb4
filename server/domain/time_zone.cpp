// SPDX-License-Identifier: Apache-2.0
#include "server/domain/time_zone.hpp"

#include <date/tz.h>

#include <stdexcept>

namespace rolesync::domain {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

Millis millis(date::sys_seconds at) {
  return std::chrono::duration_cast<milliseconds>(at.time_since_epoch()).count();
}

// A name goes into a path of the database; what is no name is not looked for.
bool is_zone_name(std::string_view name) {
  constexpr std::string_view allowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
  return !name.empty() && name.size() <= 64 && name.front() != '/' && name.back() != '/' &&
         name.find("//") == std::string_view::npos &&
         name.find_first_not_of(allowed) == std::string_view::npos;
}

}  // namespace

Result<TimeZone> TimeZone::find(std::string_view name) {
  try {
    if (is_zone_name(name)) return TimeZone(date::locate_zone(std::string(name)));
  } catch (const std::runtime_error&) {  // there is none of that name, or no database
  }
  return Error{ErrorKind::invalid, "unknown_time_zone",
               "there is no time zone \"" + std::string(name) + "\"",
               "use a name of the IANA database, for example Europe/Berlin or UTC; the server's "
               "machine needs the package tzdata"};
}

std::string TimeZone::name() const {
  return zone_->name();
}

LocalMinute TimeZone::local(Millis at) const {
  const date::sys_time<milliseconds> instant{milliseconds{at}};
  return date::floor<minutes>(zone_->to_local(instant)).time_since_epoch().count();
}

TimeZone::Instants TimeZone::instants(LocalMinute minute) const {
  const date::local_seconds wall{minutes{minute}};
  const date::local_info info = zone_->get_info(wall);
  const auto by = [&](const date::sys_info& rule) {
    return millis(date::sys_seconds{wall.time_since_epoch() - rule.offset});
  };
  switch (info.result) {
    case date::local_info::nonexistent:
      return {millis(info.first.end), std::nullopt, true};
    case date::local_info::ambiguous:
      return {by(info.first), by(info.second), false};
    default:
      return {by(info.first), std::nullopt, false};
  }
}

}  // namespace rolesync::domain
