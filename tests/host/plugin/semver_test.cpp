// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/semver.hpp"

#include <gtest/gtest.h>

namespace rolesync::plugin {
namespace {

TEST(Semver, OrdersAsTheStandardSays) {
  const char* ascending[] = {"0.9.9",      "1.0.0-alpha",  "1.0.0-alpha.1", "1.0.0-alpha.beta",
                             "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
                             "1.0.0",      "1.0.1",        "1.2.0",         "1.10.0",
                             "2.0.0"};
  for (std::size_t i = 0; i < std::size(ascending); ++i) {
    for (std::size_t j = 0; j < std::size(ascending); ++j) {
      const int order = compare(*Semver::parse(ascending[i]), *Semver::parse(ascending[j]));
      EXPECT_EQ(order < 0, i < j) << ascending[i] << " " << ascending[j];
      EXPECT_EQ(order > 0, i > j) << ascending[i] << " " << ascending[j];
    }
  }
}

TEST(Semver, RefusesWhatIsNone) {
  for (const char* text :
       {"", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.x", "v1.2.3", "1.2.3-", "1.2.3-a..b", "1.2.3-01",
        "1.2.3-a.", "1.2.3+build", "-1.2.3", "1.2.99999999999"}) {
    EXPECT_FALSE(Semver::parse(text)) << text;
  }
}

}  // namespace
}  // namespace rolesync::plugin
