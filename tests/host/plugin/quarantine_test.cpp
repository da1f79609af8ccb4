// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/quarantine.hpp"

#include <gtest/gtest.h>

namespace rolesync::plugin {
namespace {

using std::chrono::minutes;

TEST(Quarantine, HoldsAfterThreeFaultsInTenMinutes) {
  Quarantine quarantine;
  const auto start = Quarantine::Clock::now();
  EXPECT_FALSE(quarantine.record_fault("a", {}, start));
  EXPECT_FALSE(quarantine.record_fault("a", {}, start + minutes(4)));
  EXPECT_FALSE(quarantine.holds("a"));
  EXPECT_TRUE(quarantine.record_fault("a", {}, start + minutes(9)));
  EXPECT_TRUE(quarantine.holds("a"));
  EXPECT_FALSE(quarantine.holds("b"));
  EXPECT_FALSE(quarantine.record_fault("a", {}, start + minutes(9))) << "it is told once";
}

TEST(Quarantine, ForgivesOldFaults) {
  Quarantine quarantine;
  const auto start = Quarantine::Clock::now();
  for (int i = 0; i < 10; ++i)
    EXPECT_FALSE(quarantine.record_fault("a", {}, start + i * minutes(6)));
  EXPECT_FALSE(quarantine.holds("a"));
}

TEST(Quarantine, RemembersTheLastFaultAndCanBeLifted) {
  Quarantine quarantine;
  EXPECT_FALSE(quarantine.last_fault("a"));
  EXPECT_FALSE(quarantine.lift("a"));
  for (const char* message : {"one", "two", "three"}) {
    quarantine.record_fault("a", {"plugin_fault", message, 7});
  }
  EXPECT_EQ(quarantine.last_fault("a")->message, "three");
  EXPECT_TRUE(quarantine.lift("a"));
  EXPECT_FALSE(quarantine.holds("a"));
  EXPECT_FALSE(quarantine.last_fault("a"));
  EXPECT_FALSE(quarantine.record_fault("a", {})) << "the old faults do not count any more";
}

}  // namespace
}  // namespace rolesync::plugin
