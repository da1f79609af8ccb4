// SPDX-License-Identifier: Apache-2.0
// When a schedule runs, and when nothing may run: cron times with one make-up for what was missed,
// maintenance windows, and freezes. Pure: the time is an argument.
#pragma once
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "server/domain/cron.hpp"
#include "server/domain/time_zone.hpp"

namespace rolesync::domain {

struct Due {
  std::optional<Millis> fire;  // the newest time that has come since `since`
  std::size_t missed = 0;      // older ones that this one makes up for
  std::optional<Millis> next;  // after now
};
// `since`: up to when the schedule has been looked after (its last run, or its making).
Due due(const Cron& cron, const TimeZone& zone, Millis since, Millis now);

// The next times after `after`, at most `count`.
std::vector<Millis> preview(const Cron& cron, const TimeZone& zone, Millis after,
                            std::size_t count);

// A time of day on some weekdays, in which changes are welcome. Minutes of the wall clock; an end
// that is not after the beginning lies on the next day.
struct MaintenanceWindow {
  std::set<int> weekdays;  // 0 is Sunday; of its beginning. Empty: every day
  int from_minute = 0;     // 0 to 1439
  int until_minute = 0;    // likewise; exclusive

  bool operator==(const MaintenanceWindow&) const = default;
};

// "mon-fri 22:00-04:00", "22:00-04:00", "sat,sun 00:00-24:00". Error: invalid/invalid_window.
Result<MaintenanceWindow> parse_window(std::string_view text);
std::string to_text(const MaintenanceWindow& window);

// Whether `at` lies in one of them; without any, always.
bool in_window(const std::vector<MaintenanceWindow>& windows, const TimeZone& zone, Millis at);
// The first instant from `at` on that lies in one of them (`at` itself if it does), and the first
// that does not. Nothing: they never open, or never close.
std::optional<Millis> window_opens(const std::vector<MaintenanceWindow>& windows,
                                   const TimeZone& zone, Millis at);
std::optional<Millis> window_closes(const std::vector<MaintenanceWindow>& windows,
                                    const TimeZone& zone, Millis at);

// A time in which nothing is synced. What it names has to match; what it leaves empty matches all.
struct Freeze {
  std::string id, reason;
  Millis starts_at = 0;
  std::optional<Millis> ends_at;  // exclusive; nothing: until it is lifted
  std::set<std::string> roles, nodes;
  std::map<std::string, std::string> labels;  // all of them, of the node
};
bool covers(const Freeze& freeze, const std::string& role, const std::string& node,
            const std::map<std::string, std::string>& node_labels, Millis at);

}  // namespace rolesync::domain
