// SPDX-License-Identifier: Apache-2.0
#include "server/domain/schedule.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

namespace rolesync::domain {
namespace {

constexpr int kDay = 24 * 60;
constexpr Millis kMinute = 60'000;
// Enough for every weekday and a clock change in between.
constexpr std::int64_t kLookAhead = std::int64_t{8} * kDay;
// Beyond this, how many were missed makes no difference to anybody.
constexpr std::size_t kCountedMisses = 1000;
constexpr Millis kWeek = Millis{7} * 24 * 60 * kMinute;

constexpr std::array<std::string_view, 7> kWeekdays = {"sun", "mon", "tue", "wed",
                                                       "thu", "fri", "sat"};

int weekday_of(std::int64_t day) {
  return static_cast<int>(((day + 4) % 7 + 7) % 7);  // 1970-01-01 was a Thursday
}

std::int64_t day_of(LocalMinute minute) {
  return minute / kDay - (minute % kDay < 0 ? 1 : 0);
}

bool begins_on(const MaintenanceWindow& window, std::int64_t day) {
  return window.weekdays.empty() || window.weekdays.contains(weekday_of(day));
}

bool contains(const MaintenanceWindow& window, LocalMinute minute) {
  const std::int64_t day = day_of(minute);
  const int at = static_cast<int>(minute - day * kDay);
  const bool over_midnight = window.until_minute <= window.from_minute;
  if (!over_midnight) {
    return begins_on(window, day) && at >= window.from_minute && at < window.until_minute;
  }
  return (begins_on(window, day) && at >= window.from_minute) ||
         (begins_on(window, day - 1) && at < window.until_minute);
}

// The first minute from `at` on for which being in a window is `wanted`.
std::optional<Millis> first_with(const std::vector<MaintenanceWindow>& windows,
                                 const TimeZone& zone, Millis at, bool wanted) {
  if (in_window(windows, zone, at) == wanted) return at;
  Millis minute = at - ((at % kMinute) + kMinute) % kMinute;
  for (std::int64_t i = 0; i < kLookAhead; ++i) {
    minute += kMinute;
    if (in_window(windows, zone, minute) == wanted) return minute;
  }
  return std::nullopt;
}

Error bad_window(std::string_view text, const std::string& why) {
  return {ErrorKind::invalid, "invalid_window",
          "\"" + std::string(text) + "\" is no maintenance window: " + why,
          "write weekdays and a time of day, for example \"mon-fri 22:00-04:00\""};
}

std::optional<int> time_of_day(std::string_view text) {
  const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4)) {
    return std::nullopt;
  }
  const int hour = (text[0] - '0') * 10 + (text[1] - '0');
  const int minute = (text[3] - '0') * 10 + (text[4] - '0');
  const int at = hour * 60 + minute;
  return minute < 60 && at <= kDay ? std::optional<int>(at) : std::nullopt;
}

std::optional<int> weekday_from(std::string_view text) {
  const auto* const found = std::find(kWeekdays.begin(), kWeekdays.end(), text);
  if (found == kWeekdays.end()) return std::nullopt;
  return static_cast<int>(found - kWeekdays.begin());
}

// "mon-fri,sun"; a range may go over the end of the week.
std::optional<std::set<int>> weekdays_from(std::string_view text) {
  std::set<int> days;
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    const std::size_t dash = part.find('-');
    const std::optional<int> first = weekday_from(part.substr(0, dash));
    const std::optional<int> last =
        dash == std::string_view::npos ? first : weekday_from(part.substr(dash + 1));
    if (!first || !last) return std::nullopt;
    for (int day = *first;; day = (day + 1) % 7) {
      days.insert(day);
      if (day == *last) break;
    }
    if (comma == std::string_view::npos) return days;
    text.remove_prefix(comma + 1);
  }
}

std::string clock(int minute) {
  char text[16];
  std::snprintf(text, sizeof text, "%02d:%02d", minute / 60, minute % 60);
  return text;
}

}  // namespace

Due due(const Cron& cron, const TimeZone& zone, Millis since, Millis now) {
  Due result;
  if (since > now) since = now;  // the clock was put back
  Millis from = since;
  while (const std::optional<Millis> at = cron.next(from, zone)) {
    if (*at > now) {
      result.next = at;
      return result;
    }
    if (result.fire && result.missed < kCountedMisses) ++result.missed;
    result.fire = at;
    // After a long absence the newest ones are enough.
    from = result.missed == kCountedMisses ? std::max(*at, now - kWeek) : *at;
  }
  return result;
}

std::vector<Millis> preview(const Cron& cron, const TimeZone& zone, Millis after,
                            std::size_t count) {
  std::vector<Millis> times;
  while (times.size() < count) {
    const std::optional<Millis> at = cron.next(after, zone);
    if (!at) break;
    times.push_back(*at);
    after = *at;
  }
  return times;
}

Result<MaintenanceWindow> parse_window(std::string_view text) {
  const std::size_t blank = text.find(' ');
  const std::string_view times = blank == std::string_view::npos ? text : text.substr(blank + 1);
  MaintenanceWindow window;
  if (blank != std::string_view::npos) {
    const auto days = weekdays_from(text.substr(0, blank));
    if (!days) return bad_window(text, "its weekdays are not like mon-fri or sat,sun");
    if (days->size() < kWeekdays.size()) window.weekdays = *days;
  }
  const std::size_t dash = times.find('-');
  const auto from = time_of_day(times.substr(0, dash));
  const auto until =
      dash == std::string_view::npos ? std::nullopt : time_of_day(times.substr(dash + 1));
  if (!from || !until || *from == kDay)
    return bad_window(text, "its times are not like 22:00-04:00");
  if (*from == *until)
    return bad_window(text, "it ends when it begins; a whole day is 00:00-24:00");
  window.from_minute = *from;
  window.until_minute = *until;
  return window;
}

std::string to_text(const MaintenanceWindow& window) {
  std::string days;
  for (const int day : window.weekdays) {
    days.append(days.empty() ? "" : ",").append(kWeekdays[static_cast<std::size_t>(day)]);
  }
  return (days.empty() ? "" : days + " ") + clock(window.from_minute) + "-" +
         clock(window.until_minute);
}

bool in_window(const std::vector<MaintenanceWindow>& windows, const TimeZone& zone, Millis at) {
  if (windows.empty()) return true;
  const LocalMinute minute = zone.local(at);
  return std::any_of(windows.begin(), windows.end(),
                     [&](const MaintenanceWindow& window) { return contains(window, minute); });
}

std::optional<Millis> window_opens(const std::vector<MaintenanceWindow>& windows,
                                   const TimeZone& zone, Millis at) {
  return first_with(windows, zone, at, true);
}

std::optional<Millis> window_closes(const std::vector<MaintenanceWindow>& windows,
                                    const TimeZone& zone, Millis at) {
  return windows.empty() ? std::nullopt : first_with(windows, zone, at, false);
}

bool covers(const Freeze& freeze, const std::string& role, const std::string& node,
            const std::map<std::string, std::string>& node_labels, Millis at) {
  if (at < freeze.starts_at || (freeze.ends_at && at >= *freeze.ends_at)) return false;
  if (!freeze.roles.empty() && !freeze.roles.contains(role)) return false;
  if (!freeze.nodes.empty() && !freeze.nodes.contains(node)) return false;
  return std::all_of(freeze.labels.begin(), freeze.labels.end(), [&](const auto& label) {
    const auto found = node_labels.find(label.first);
    return found != node_labels.end() && found->second == label.second;
  });
}

}  // namespace rolesync::domain
