// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/plugins/built_plugin.hpp"

namespace rolesync::testing {
namespace {

TEST(None, DoesNothingAndSaysSo) {
  FakeHost host;
  const auto strategy =
      built_plugin("restart_strategy", "none").create("restart_strategy", "none", host);
  for (const char* method : {"status", "start", "stop", "restart"}) {
    const Json status = strategy.call(method, {{"role", {{"role_name", "r"}}}});
    EXPECT_EQ(status.at("state"), "unknown");
    EXPECT_NE(status.at("detail").get<std::string>().find("nothing was done"), std::string::npos);
  }
  EXPECT_TRUE(host.asked().empty());
}

}  // namespace
}  // namespace rolesync::testing
