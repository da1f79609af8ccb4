// SPDX-License-Identifier: Apache-2.0
#include "host/values/timestamp.hpp"

#include <chrono>
#include <cmath>
#include <cstdio>

namespace rolesync {

std::string to_rfc3339(Millis at) {
  using namespace std::chrono;
  const sys_time<milliseconds> time{milliseconds{at}};
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};
  char text[48];
  std::snprintf(
      text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return text;
}

std::optional<Millis> from_rfc3339(std::string_view text) {
  using namespace std::chrono;
  int year, month, day, hour, minute, used = 0;
  double second;
  const std::string copy(text);
  if (std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%lf%n", &year, &month, &day, &hour, &minute,
                  &second, &used) != 6) {
    return std::nullopt;
  }
  const year_month_day date{std::chrono::year{year}, std::chrono::month(month),
                            std::chrono::day(day)};
  if (!date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
      !(second >= 0 && second < 61))
    return std::nullopt;

  int offset_minutes = 0;
  const std::string zone = copy.substr(used);
  if (zone != "Z" && zone != "z") {
    char sign;
    int zone_hours, zone_minutes, end = 0;
    if (std::sscanf(zone.c_str(), "%c%2d:%2d%n", &sign, &zone_hours, &zone_minutes, &end) != 3 ||
        (sign != '+' && sign != '-') || end != static_cast<int>(zone.size())) {
      return std::nullopt;
    }
    offset_minutes = (sign == '-' ? -1 : 1) * (zone_hours * 60 + zone_minutes);
  }
  return (duration_cast<milliseconds>(sys_days{date}.time_since_epoch()) + hours{hour} +
          minutes{minute - offset_minutes} + milliseconds{std::llround(second * 1000.0)})
      .count();
}

}  // namespace rolesync
