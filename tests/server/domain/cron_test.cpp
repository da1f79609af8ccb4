// SPDX-License-Identifier: Apache-2.0
// What an expression may say, and what happens when clocks change. That ordinary times are right is
// compared with another implementation in cron_oracle_test.py.
#include "server/domain/cron.hpp"

#include <gtest/gtest.h>

namespace rolesync::domain {
namespace {

std::vector<std::string> times(const char* expression, const char* zone, const char* after,
                               int count) {
  const Result<Cron> cron = Cron::parse(expression);
  const Result<TimeZone> place = TimeZone::find(zone);
  if (!cron || !place) return {"refused"};
  std::vector<std::string> list;
  Millis at = *from_rfc3339(after);
  for (int i = 0; i < count; ++i) {
    const std::optional<Millis> next = cron->next(at, *place);
    if (!next) break;
    list.push_back(to_rfc3339(*next).substr(0, 16));
    at = *next;
  }
  return list;
}

using Times = std::vector<std::string>;

TEST(Cron, Refuses) {
  const std::pair<const char*, const char*> bad[] = {
      {"", "0 fields"},
      {"* * * *", "4 fields"},
      {"* * * * * *", "6 fields"},
      {"60 * * * *", "minute: \"60\" is not one of 0 to 59"},
      {"* 24 * * *", "hour: \"24\""},
      {"* * 0 * *", "day of month: \"0\" is not one of 1 to 31"},
      {"* * * 13 *", "month: \"13\" is not one of 1 to 12, or jan to dec"},
      {"* * * * 8", "day of week: \"8\""},
      {"* * * * fri-mon", "the range fri-mon ends before it begins"},
      {"*/0 * * * *", "minute: \"0\" is no step"},
      {"*/99 * * * *", "minute: \"99\" is no step from 1 to 59"},
      {"1,,2 * * * *", "minute: \"\""},
      {"-1 * * * *", "minute: \"\""},
      {"+1 * * * *", "minute: \"+1\""},
      {"1- * * * *", "minute: \"\""},
      {"* * L * *", "day of month: \"l\""},
      {"* * * * mon#1", "day of week: \"mon#1\""},
      {"@reboot", "\"@reboot\" is not known"},
      {"99999999999 * * * *", "minute: \"99999999999\""},
  };
  for (const auto& [text, why] : bad) {
    const Result<Cron> parsed = Cron::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().reason, "invalid_cron") << text;
    EXPECT_NE(parsed.error().message.find(why), std::string::npos) << parsed.error().message;
  }
}

TEST(Cron, NamesStepsAndLists) {
  EXPECT_EQ(times("30 4 * * MON-fri", "UTC", "2026-11-27T05:00:00Z", 2),
            (Times{"2026-11-30T04:30", "2026-12-01T04:30"}));
  EXPECT_EQ(times("0 0 1 jan,jul *", "UTC", "2026-11-27T05:00:00Z", 2),
            (Times{"2027-01-01T00:00", "2027-07-01T00:00"}));
  EXPECT_EQ(times("5/20 12 * * *", "UTC", "2026-11-27T12:00:00Z", 3),
            (Times{"2026-11-27T12:05", "2026-11-27T12:25", "2026-11-27T12:45"}));
  EXPECT_EQ(times("0 0 * * 7", "UTC", "2026-11-27T00:00:00Z", 1), (Times{"2026-11-29T00:00"}));
  EXPECT_EQ(times("@daily", "UTC", "2026-11-27T00:00:00Z", 1), (Times{"2026-11-28T00:00"}));
}

TEST(Cron, EitherDayFieldWhenBothLeaveSomethingOut) {
  EXPECT_EQ(times("0 0 13 * fri", "UTC", "2026-11-10T00:00:00Z", 3),
            (Times{"2026-11-13T00:00", "2026-11-20T00:00", "2026-11-27T00:00"}));
}

TEST(Cron, RareAndImpossibleDays) {
  EXPECT_EQ(times("0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", 1), (Times{"2104-02-29T00:00"}));
  EXPECT_EQ(times("0 0 30 2 *", "UTC", "2026-11-27T00:00:00Z", 1), Times{});
}

// In Berlin 02:00 becomes 03:00 on 2027-03-28 at 01:00 UTC.
TEST(Cron, ASkippedHour) {
  EXPECT_EQ(times("30 2 * * *", "Europe/Berlin", "2027-03-27T12:00:00Z", 2),
            (Times{"2027-03-28T01:00", "2027-03-29T00:30"}));
  EXPECT_EQ(times("0,15,30 2 * * *", "Europe/Berlin", "2027-03-28T00:00:00Z", 2),
            (Times{"2027-03-28T01:00", "2027-03-29T00:00"}));
  EXPECT_EQ(times("30 * * * *", "Europe/Berlin", "2027-03-28T00:00:00Z", 3),
            (Times{"2027-03-28T00:30", "2027-03-28T01:30", "2027-03-28T02:30"}));
}

// In Berlin 03:00 becomes 02:00 on 2026-10-25 at 01:00 UTC.
TEST(Cron, AnHourThatComesTwice) {
  EXPECT_EQ(times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            (Times{"2026-10-25T00:30", "2026-10-26T01:30"}));
  EXPECT_EQ(times("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", 5),
            (Times{"2026-10-25T00:30", "2026-10-25T01:00", "2026-10-25T01:30", "2026-10-25T02:00",
                   "2026-10-25T02:30"}));
  EXPECT_EQ(times("30 2 * * *", "Europe/Berlin", "2026-10-25T01:15:00Z", 1),
            (Times{"2026-10-26T01:30"}));
}

// Samoa went over the date line: there was no 30 December 2011.
TEST(Cron, ASkippedDay) {
  EXPECT_EQ(times("0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z", 1),
            (Times{"2011-12-30T10:00"}));
}

TEST(TimeZone, Refuses) {
  for (const char* bad : {"", "Nowhere/Land", "../../etc/passwd", "/etc/localtime",
                          "Europe//Berlin", "Europe/Berlin ", "Europe/"}) {
    const Result<TimeZone> zone = TimeZone::find(bad);
    ASSERT_FALSE(zone) << bad;
    EXPECT_EQ(zone.error().reason, "unknown_time_zone");
  }
}

}  // namespace
}  // namespace rolesync::domain
