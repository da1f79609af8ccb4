// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/quarantine.hpp"

#include <gtest/gtest.h>

namespace rolesync::plugin {
namespace {

using std::chrono::minutes;

TEST(Quarantine, HoldsAfterThreeFaultsInTenMinutes) {
  Quarantine quarantine;
  const auto start = Quarantine::Clock::now();
  EXPECT_FALSE(quarantine.record_fault("a", start));
  EXPECT_FALSE(quarantine.record_fault("a", start + minutes(4)));
  EXPECT_FALSE(quarantine.holds("a"));
  EXPECT_TRUE(quarantine.record_fault("a", start + minutes(9)));
  EXPECT_TRUE(quarantine.holds("a"));
  EXPECT_FALSE(quarantine.holds("b"));
  EXPECT_FALSE(quarantine.record_fault("a", start + minutes(9))) << "it is told once";
}

TEST(Quarantine, ForgivesOldFaults) {
  Quarantine quarantine;
  const auto start = Quarantine::Clock::now();
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(quarantine.record_fault("a", start + i * minutes(6)));
  EXPECT_FALSE(quarantine.holds("a"));
}

}  // namespace
}  // namespace rolesync::plugin
