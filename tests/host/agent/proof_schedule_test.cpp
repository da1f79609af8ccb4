// SPDX-License-Identifier: Apache-2.0
#include "host/agent/proof_schedule.hpp"

#include <gtest/gtest.h>

namespace rolesync::agent {
namespace {

using Due = ProofSchedule::Due;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const ProofSchedule::Time kStart{std::chrono::hours(1000)};

ProofSchedule proved(bool watched, microseconds cost) {
  ProofSchedule schedule(false);
  schedule.watched(watched);
  schedule.proved(kStart, cost, Due::stats);
  return schedule;
}

TEST(ProofSchedule, TheFirstLookIsAlwaysDue) {
  EXPECT_EQ(ProofSchedule(false).due(kStart, false), Due::stats);
  EXPECT_EQ(ProofSchedule(true).due(kStart, false), Due::full);
}

TEST(ProofSchedule, WatchedTreesAreLeftAlone) {
  ProofSchedule schedule = proved(true, microseconds(500));
  EXPECT_EQ(schedule.due(kStart + minutes(9), true), Due::no);
  EXPECT_EQ(schedule.due(kStart + minutes(10), true), Due::stats);
  schedule.touched();
  EXPECT_EQ(schedule.due(kStart + milliseconds(1), false), Due::touched);
  schedule.proved(kStart + seconds(1), microseconds(500), Due::touched);
  EXPECT_EQ(schedule.due(kStart + seconds(2), false), Due::no);
}

TEST(ProofSchedule, UnwatchedTreesAreLookedAtAsTheyCost) {
  ProofSchedule cheap = proved(false, microseconds(1999));
  EXPECT_EQ(cheap.due(kStart + seconds(1), true), Due::stats);
  EXPECT_EQ(cheap.due(kStart + seconds(1), false), Due::no);  // only at heartbeats
  ProofSchedule dear = proved(false, milliseconds(40));       // a thousandth of a core: 40 s
  EXPECT_EQ(dear.due(kStart + seconds(25), true), Due::no);
  EXPECT_EQ(dear.due(kStart + seconds(40), true), Due::stats);
}

TEST(ProofSchedule, EverythingIsReadOnceADay) {
  ProofSchedule schedule = proved(true, microseconds(500));
  EXPECT_EQ(schedule.due(kStart + std::chrono::hours(24), true), Due::full);
  schedule.proved(kStart + std::chrono::hours(24), seconds(3), Due::full);
  EXPECT_EQ(schedule.due(kStart + std::chrono::hours(24) + minutes(10), true), Due::stats);
}

}  // namespace
}  // namespace rolesync::agent
