// SPDX-License-Identifier: Apache-2.0
#include "host/agent/proof_schedule.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace rolesync::agent {
namespace {

using Due = ProofSchedule::Due;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const ProofSchedule::Time kStart{std::chrono::hours(1000)};

ProofSchedule proved(bool watched, microseconds cost) {
  ProofSchedule schedule(false, std::chrono::hours(7));
  schedule.watched(watched);
  schedule.proved(kStart, cost, Due::stats);
  return schedule;
}

TEST(ProofSchedule, TheFirstLookIsAlwaysDue) {
  EXPECT_EQ(ProofSchedule(false, seconds(9)).due(kStart, false), Due::stats);
  EXPECT_EQ(ProofSchedule(true, seconds(9)).due(kStart, false), Due::full);
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

TEST(ProofSchedule, WhatIsBeingReadIsNotDueAgain) {
  ProofSchedule schedule(true, std::chrono::hours(7));
  EXPECT_EQ(schedule.due(kStart, false), Due::full);
  schedule.reading(true);
  schedule.touched();
  // Nothing is believed before the end.
  EXPECT_EQ(schedule.due(kStart + seconds(1), true), Due::no);
  schedule.reading(false);  // it could not be read
  schedule.proved(kStart + seconds(2), milliseconds(1), Due::stats);
  EXPECT_EQ(schedule.due(kStart + seconds(3), false), Due::no);
  EXPECT_EQ(schedule.due(kStart + seconds(4), true), Due::full);
  schedule.reading(true);
  schedule.touched();
  EXPECT_EQ(schedule.due(kStart + seconds(5), true), Due::touched);
  schedule.proved(kStart + seconds(6), milliseconds(1), Due::full);
  EXPECT_NE(schedule.due(kStart + seconds(40), true), Due::full);
}

TEST(ProofSchedule, EverythingIsReadOnceADay) {
  ProofSchedule schedule = proved(true, microseconds(500));
  using std::chrono::hours;
  EXPECT_EQ(schedule.due(kStart + hours(7) - minutes(1), true), Due::stats);
  EXPECT_EQ(schedule.due(kStart + hours(7), false), Due::no);
  EXPECT_EQ(schedule.due(kStart + hours(7), true), Due::full);
  schedule.proved(kStart + hours(7) + minutes(3), seconds(3), Due::full);
  EXPECT_EQ(schedule.due(kStart + hours(30), true), Due::stats);
  EXPECT_EQ(schedule.due(kStart + hours(31), true), Due::full);
}

TEST(ProofSchedule, AFullReadingInBetweenDoesNotMoveTheDailyOne) {
  ProofSchedule schedule = proved(true, microseconds(500));
  schedule.proved(kStart + std::chrono::hours(2), seconds(1), Due::full);
  EXPECT_EQ(schedule.due(kStart + std::chrono::hours(7), true), Due::full);
}

TEST(ProofSchedule, TheFleetsDailyReadingsAreSpreadOverTheDay) {
  std::array<int, 24> in_hour{};
  constexpr Millis now = 1'796'000'000'000;
  for (int node = 0; node < 1000; ++node) {
    const auto until = until_daily_proof("node-" + std::to_string(node), "web", now);
    ASSERT_GE(until.count(), 0);
    ASSERT_LT(until, std::chrono::hours(24));
    ++in_hour[static_cast<std::size_t>(until.count() / 3600)];
  }
  for (const int count : in_hour) EXPECT_GT(count, 10);
  EXPECT_NE(until_daily_proof("n", "web", now), until_daily_proof("n", "api", now));
  // The moment stays where it is, whenever the agent starts.
  EXPECT_EQ(until_daily_proof("n", "web", now) - std::chrono::seconds(1),
            until_daily_proof("n", "web", now + 1000));
}

}  // namespace
}  // namespace rolesync::agent
