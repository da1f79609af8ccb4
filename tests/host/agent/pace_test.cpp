// SPDX-License-Identifier: Apache-2.0
// The time between heartbeats, with seeded generators: agents that start together spread, and none
// spins.
#include "host/agent/pace.hpp"

#include <gtest/gtest.h>

#include <map>

#include "host/agent/server_link.hpp"

namespace rolesync::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The polls of ten thousand agents that all began at second 0, by the second in which they come.
std::map<std::int64_t, int> polls(int agents, int count) {
  std::map<std::int64_t, int> by_second;
  for (int agent = 0; agent < agents; ++agent) {
    Pace pace(static_cast<std::uint32_t>(agent + 1), Pace::Clock::time_point{});
    pace.set_interval(seconds(25));
    std::int64_t at = 0;
    for (int poll = 0; poll < count; ++poll) ++by_second[at += pace.next_wait().count()];
  }
  return by_second;
}

TEST(Pace, TenThousandAgentsThatStartTogetherSpread) {
  const auto by_second = polls(10'000, 8);
  // Evenly they would be 400 a second, and 444 with waits of 22.5 s on average.
  for (std::int64_t second = 1; second <= 150; ++second) {
    const auto it = by_second.find(second);
    ASSERT_NE(it, by_second.end()) << "second " << second;
    EXPECT_LT(it->second, 2 * 444) << "second " << second;
    EXPECT_GT(it->second, 444 / 3) << "second " << second;
  }
}

TEST(Pace, TheSameSeedGivesTheSameWaits) {
  Pace one(7, {}), other(7, {}), third(8, {});
  bool all_the_same = true;
  for (int i = 0; i < 20; ++i) {
    const seconds wait = one.next_wait();
    EXPECT_EQ(wait, other.next_wait());
    all_the_same = all_the_same && wait == third.next_wait();
  }
  EXPECT_FALSE(all_the_same);
}

TEST(Pace, TheServersIntervalIsObeyedWithinBounds) {
  Pace pace(1, {});
  (void)pace.next_wait();
  for (const auto& [said, least, most] :
       {std::tuple{10, 8, 10}, {-5, 1, 1}, {0, 1, 1}, {100'000, 48, 60}}) {
    pace.set_interval(seconds(said));
    for (int i = 0; i < 50; ++i) {
      const auto wait = pace.next_wait().count();
      EXPECT_GE(wait, least) << said;
      EXPECT_LE(wait, most) << said;
    }
  }
}

TEST(Pace, AServerThatAlwaysAnswersAtOnceIsAskedFourTimesASecond) {
  Pace::Clock::time_point now{};
  Pace pace(1, now);
  int asked = 0;
  while (now < Pace::Clock::time_point{} + seconds(60)) {
    now += pace.hold(now);
    ++asked;
  }
  EXPECT_LE(asked, 20 + 60 * 4 + 1);
  EXPECT_GE(asked, 60 * 4);
}

TEST(Pace, PollsThatBringSomethingDoNotCount) {
  Pace pace(1, {});
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(pace.hold({}), milliseconds(0));
    pace.refund();
  }
}

TEST(Backoff, DoublesUpToItsLimitAndSpreads) {
  Backoff backoff(3);
  milliseconds longest(500);
  for (int i = 0; i < 20; ++i) {
    const milliseconds pause = backoff.next(seconds(30));
    EXPECT_GE(pause, longest / 2);
    EXPECT_LE(pause, longest);
    longest = std::min<milliseconds>(longest * 2, seconds(30));
  }
  // Ten thousand agents that lost their server together: the second attempts come within 0.5 to 1
  // s.
  std::map<std::int64_t, int> tenths;
  for (std::uint32_t seed = 0; seed < 10'000; ++seed) {
    Backoff each(seed);
    (void)each.next();
    ++tenths[each.next().count() / 100];
  }
  EXPECT_EQ(tenths.size(), 5u);
  for (const auto& [tenth, agents] : tenths) EXPECT_LT(agents, 2600) << tenth;
}

}  // namespace
}  // namespace rolesync::agent
