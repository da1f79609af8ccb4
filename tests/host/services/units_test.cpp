// SPDX-License-Identifier: Apache-2.0
// Units: names, and an honest answer on a machine without systemd. The story with a real systemd
// is told in tests/e2e.
#include "host/services/units.hpp"

#include <gtest/gtest.h>
#include <systemd/sd-daemon.h>

#include "host/services/limits.hpp"

namespace rolesync {
namespace {

TEST(UnitName, GrammarAndSuffix) {
  EXPECT_EQ(*full_unit_name("autobot-frontend"), "autobot-frontend.service");
  EXPECT_EQ(*full_unit_name("a.service"), "a.service");
  EXPECT_EQ(*full_unit_name("backup.timer"), "backup.timer");
  EXPECT_EQ(*full_unit_name("getty@tty1"), "getty@tty1.service");
  for (const char* bad : {"", "-x", "../a", "a b", "a;b", "a/b", "$(a)", "a\n"}) {
    auto name = full_unit_name(bad);
    ASSERT_FALSE(name.ok()) << bad;
    EXPECT_EQ(name.error().reason, "invalid_request");
  }
}

TEST(UnitAddress, OfTheSystemAndOfUsers) {
  EXPECT_EQ(unit_address("web")->text(), "web.service");
  auto of_user = unit_address("user:autobot/shop@1");
  ASSERT_TRUE(of_user.ok());
  EXPECT_EQ(of_user->user, "autobot");
  EXPECT_EQ(of_user->name, "shop@1.service");
  EXPECT_EQ(of_user->text(), "user:autobot/shop@1.service");
  for (const char* bad : {"user:", "user:autobot", "user:/shop", "user:a b/shop", "user:-a/shop",
                          "user:autobot/../shop", "user:autobot/", "user:a/b/c"}) {
    EXPECT_FALSE(unit_address(bad).ok()) << bad;
  }
}

TEST(UnitLimits, AGlobStaysWithItsManager) {
  const Limits limits{
      {}, {"app-*", "*.timer", "user:autobot/*", "user:x/web.service"}, false, false};
  for (const char* unit : {"app-a", "app-a.service", "b.timer", "user:autobot/shop",
                           "user:autobot/a.timer", "user:x/web"}) {
    EXPECT_TRUE(check_unit(limits, unit).ok()) << unit;
  }
  for (const char* unit :
       {"web", "user:x/app-a", "user:x/b.timer", "user:other/shop", "autobot/x", "user:autobot"}) {
    EXPECT_EQ(check_unit(limits, unit).error().reason, "unit_not_allowed") << unit;
  }
  const Limits all{{}, {"*"}, false, false};
  EXPECT_TRUE(check_unit(all, "web").ok());
  EXPECT_FALSE(check_unit(all, "user:root/web").ok());
}

TEST(Units, AnswersForEveryUnitAskedFor) {
  auto units = systemd_units();
  auto status = units->status({"rolesync-no-such-unit", "systemd-journald", "bad name"});
  ASSERT_EQ(status.size(), 3u);
  EXPECT_EQ(status["bad name"].load_state, "not-found");
  if (::sd_booted() <= 0) {
    EXPECT_EQ(status["systemd-journald"].reason, "no_systemd");
    EXPECT_EQ(status["systemd-journald"].active_state, "unknown");
    auto started =
        units->run(UnitAction::start, "systemd-journald", std::chrono::seconds(5), nullptr);
    ASSERT_FALSE(started.ok());
    EXPECT_EQ(started.error().reason, "no_systemd");
  } else {
    EXPECT_EQ(status["rolesync-no-such-unit"].load_state, "not-found");
    EXPECT_EQ(status["systemd-journald"].active_state, "active");
    EXPECT_TRUE(status["systemd-journald"].started_at.has_value());
  }
}

}  // namespace
}  // namespace rolesync
