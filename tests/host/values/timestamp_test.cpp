// SPDX-License-Identifier: Apache-2.0
#include "host/values/timestamp.hpp"

#include <gtest/gtest.h>

namespace rolesync {
namespace {

TEST(Timestamp, BothWays) {
  EXPECT_EQ(to_rfc3339(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_rfc3339(1'795'438'080'123), "2026-11-23T12:48:00.123Z");
  for (const Millis at : {Millis{0}, Millis{951'782'399'999}, Millis{1'795'438'080'123}}) {
    EXPECT_EQ(from_rfc3339(to_rfc3339(at)), at);
  }
}

TEST(Timestamp, OffsetsAndFractions) {
  EXPECT_EQ(from_rfc3339("1970-01-01T01:30:00+01:30"), 0);
  EXPECT_EQ(from_rfc3339("1969-12-31T23:00:00.5-01:00"), 500);
}

TEST(Timestamp, Refuses) {
  for (const char* bad : {"", "now", "2026-02-30T00:00:00Z", "2026-01-01T25:00:00Z",
                          "2026-01-01T-1:00:00Z", "2026-01-01T00:-1:00Z", "2026-01-01T00:00:nanZ",
                          "2026-01-01T00:00:00", "2026-01-01T00:00:00+1", "2026-01-01"}) {
    EXPECT_FALSE(from_rfc3339(bad)) << bad;
  }
}

}  // namespace
}  // namespace rolesync
