// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/lease_watch.hpp"

#include <gtest/gtest.h>

namespace rolesync::rollout {
namespace {

TEST(LeaseWatch, ALeaseIsTakenWhenItHasStoodStillByOnesOwnClock) {
  LeaseWatch watch;
  LeaseWatch::Clock::time_point now{};
  const LeaseWatch::Seen moving{"a", 1, 100};
  EXPECT_FALSE(watch.may_take("job", moving, now)) << "never seen before";
  now += lease_lives;
  EXPECT_FALSE(watch.may_take("job", moving, now)) << "not longer than it lives";
  EXPECT_FALSE(watch.may_take("job", {"a", 1, 101}, now)) << "it has moved";
  now += lease_lives;
  EXPECT_FALSE(watch.may_take("job", {"b", 2, 101}, now)) << "it is another's";
  now += lease_lives + std::chrono::milliseconds(1);
  EXPECT_FALSE(watch.may_take("other", {"b", 2, 101}, now));
  EXPECT_TRUE(watch.may_take("job", {"b", 2, 101}, now));
  EXPECT_TRUE(watch.may_take("fresh", {"", 0, 0}, now)) << "nobody has it";
}

}  // namespace
}  // namespace rolesync::rollout
