// SPDX-License-Identifier: Apache-2.0
#include "server/domain/schedule.hpp"

#include <gtest/gtest.h>

namespace rolesync::domain {
namespace {

Millis at(const char* text) {
  return *from_rfc3339(text);
}
TimeZone zone(const char* name) {
  return *TimeZone::find(name);
}
std::string shown(std::optional<Millis> when) {
  return when ? to_rfc3339(*when).substr(0, 16) : "never";
}

TEST(Due, FiresOnceForAllThatWasMissed) {
  const Cron hourly = *Cron::parse("@hourly");
  const Due result =
      due(hourly, zone("UTC"), at("2026-11-27T10:00:00Z"), at("2026-11-27T13:20:00Z"));
  EXPECT_EQ(shown(result.fire), "2026-11-27T13:00");
  EXPECT_EQ(result.missed, 2u);
  EXPECT_EQ(shown(result.next), "2026-11-27T14:00");
}

TEST(Due, NothingYet) {
  const Due result = due(*Cron::parse("@hourly"), zone("UTC"), at("2026-11-27T10:00:00Z"),
                         at("2026-11-27T10:59:59Z"));
  EXPECT_FALSE(result.fire);
  EXPECT_EQ(shown(result.next), "2026-11-27T11:00");
}

TEST(Due, AfterYearsOfAbsenceItIsStillQuick) {
  const Due result = due(*Cron::parse("* * * * *"), zone("Europe/Berlin"),
                         at("2016-01-01T00:00:00Z"), at("2026-11-27T10:59:30Z"));
  EXPECT_EQ(shown(result.fire), "2026-11-27T10:59");
  EXPECT_EQ(result.missed, 1000u);
}

TEST(Due, AClockThatWasPutBackFiresNothingTwice) {
  const Due result = due(*Cron::parse("@hourly"), zone("UTC"), at("2026-11-27T12:00:00Z"),
                         at("2026-11-27T10:30:00Z"));
  EXPECT_FALSE(result.fire);
}

TEST(Due, ImpossibleDaysNeverCome) {
  const Due result = due(*Cron::parse("0 0 31 4 *"), zone("UTC"), 0, at("2026-11-27T10:30:00Z"));
  EXPECT_FALSE(result.fire);
  EXPECT_FALSE(result.next);
}

TEST(Window, TextBothWays) {
  const std::pair<const char*, const char*> good[] = {
      {"22:00-04:00", "22:00-04:00"},
      {"mon-fri 22:00-04:00", "mon,tue,wed,thu,fri 22:00-04:00"},
      {"sat,sun 00:00-24:00", "sun,sat 00:00-24:00"},
      {"fri-mon 01:00-02:00", "sun,mon,fri,sat 01:00-02:00"},
      {"sun-sat 01:00-02:00", "01:00-02:00"},
  };
  for (const auto& [text, shown_as] : good) {
    const auto window = parse_window(text);
    ASSERT_TRUE(window) << text;
    EXPECT_EQ(to_text(*window), shown_as);
    EXPECT_EQ(*parse_window(shown_as), *window);
  }
  for (const char* bad :
       {"", "22:00", "22:00-22:00", "24:00-01:00", "22-04", "22:60-23:00", "xyz 22:00-23:00",
        "mon 22:00-23:00 ", "mon  22:00-23:00", "25:00-26:00"}) {
    const auto window = parse_window(bad);
    ASSERT_FALSE(window) << bad;
    EXPECT_EQ(window.error().reason, "invalid_window");
  }
}

TEST(Window, OverMidnightBelongsToTheDayItBeganOn) {
  const std::vector<MaintenanceWindow> windows = {*parse_window("fri 22:00-04:00")};
  const std::pair<const char*, bool> table[] = {
      {"2026-11-27T20:59:00Z", false}, {"2026-11-27T21:00:00Z", true},   // Friday 22:00 in Berlin
      {"2026-11-28T02:59:59Z", true},  {"2026-11-28T03:00:00Z", false},  // Saturday 04:00
      {"2026-11-27T02:00:00Z", false},                                   // Friday 03:00
  };
  for (const auto& [when, inside] : table) {
    EXPECT_EQ(in_window(windows, zone("Europe/Berlin"), at(when)), inside) << when;
  }
}

TEST(Window, OpensAndCloses) {
  const std::vector<MaintenanceWindow> windows = {*parse_window("fri 22:00-04:00"),
                                                  *parse_window("sat 04:00-05:00")};
  const TimeZone berlin = zone("Europe/Berlin");
  EXPECT_EQ(shown(window_opens(windows, berlin, at("2026-11-24T12:34:56Z"))), "2026-11-27T21:00");
  EXPECT_EQ(shown(window_opens(windows, berlin, at("2026-11-27T23:10:00Z"))), "2026-11-27T23:10");
  EXPECT_EQ(shown(window_closes(windows, berlin, at("2026-11-27T23:10:00Z"))), "2026-11-28T04:00");
  EXPECT_EQ(
      shown(window_closes({*parse_window("00:00-24:00")}, berlin, at("2026-11-27T23:10:00Z"))),
      "never");
  EXPECT_EQ(shown(window_closes({}, berlin, 0)), "never");
}

TEST(Freeze, CoversWhatItNames) {
  Freeze freeze;
  freeze.starts_at = 1000;
  freeze.ends_at = 2000;
  EXPECT_TRUE(covers(freeze, "web", "n1", {}, 1000));
  EXPECT_FALSE(covers(freeze, "web", "n1", {}, 999));
  EXPECT_FALSE(covers(freeze, "web", "n1", {}, 2000));
  freeze.roles = {"web"};
  freeze.labels = {{"rack", "a"}};
  EXPECT_TRUE(covers(freeze, "web", "n1", {{"rack", "a"}, {"zone", "z"}}, 1500));
  EXPECT_FALSE(covers(freeze, "web", "n1", {{"rack", "b"}}, 1500));
  EXPECT_FALSE(covers(freeze, "api", "n1", {{"rack", "a"}}, 1500));
  freeze.ends_at.reset();
  EXPECT_TRUE(covers(freeze, "web", "n1", {{"rack", "a"}}, 1'000'000));
}

}  // namespace
}  // namespace rolesync::domain
