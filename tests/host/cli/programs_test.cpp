// SPDX-License-Identifier: Apache-2.0
#include "host/cli/programs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rolesync::cli {
namespace {

using testing::ElementsAre;

TEST(Programs, TheRestOfTheLineIsHandedThrough) {
  EXPECT_THAT(program_arguments({"server", "run", "--config", "f"}),
              ElementsAre("rolesync-server", "run", "--config", "f"));
  EXPECT_THAT(program_arguments({"server"}), ElementsAre("rolesync-server"));
  EXPECT_THAT(program_arguments({"agent", "join", "url", "token"}),
              ElementsAre("rolesync-agent", "join", "url", "token"));
  EXPECT_THAT(program_arguments({"agent", "run"}), ElementsAre("rolesync-agent", "run"));
}

TEST(Programs, AMissingProgramIsNamed) {
  const auto found = find_program("rolesync-nothing");
  ASSERT_FALSE(found.ok());
  EXPECT_THAT(found.error().message, testing::HasSubstr("rolesync-nothing"));
}

}  // namespace
}  // namespace rolesync::cli
