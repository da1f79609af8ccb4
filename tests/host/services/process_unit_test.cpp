// SPDX-License-Identifier: Apache-2.0
// Whose a process is, from the control groups of real systems.
#include "host/services/process_unit.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace rolesync {
namespace {

TEST(ProcessUnit, IsReadFromTheControlGroups) {
  const char* const v2 = "0::/system.slice/app.service\n";
  EXPECT_EQ(cgroups_name_unit(v2, "app"), true);
  EXPECT_EQ(cgroups_name_unit(v2, "app.service"), true);
  EXPECT_EQ(cgroups_name_unit(v2, "other"), false);
  EXPECT_EQ(cgroups_name_unit(v2, "ap"), false);
  // A unit may divide itself, an instance has its name, version 1 has a line for each controller.
  EXPECT_EQ(cgroups_name_unit("0::/system.slice/app.service/worker\n", "app"), true);
  EXPECT_EQ(cgroups_name_unit("0::/system.slice/system-name.slice/name@1.service\n", "name@1"),
            true);
  EXPECT_EQ(cgroups_name_unit("0::/system.slice/system-name.slice/name@1.service\n", "name@2"),
            false);
  for (const char* role : {"name", "name@", "name.service", "name@.service"}) {
    EXPECT_EQ(cgroups_name_unit("0::/system.slice/system-name.slice/name@1.service\n", role), true)
        << role;
  }
  EXPECT_EQ(cgroups_name_unit("0::/system.slice/name@1.service\n", "nam"), false);
  EXPECT_EQ(
      cgroups_name_unit("4:memory:/x\n1:name=systemd:/system.slice/app.service\n0::/\n", "app"),
      true);
  EXPECT_EQ(cgroups_name_unit("0::/user.slice/user-1.slice/user@1.service/app.slice/web.service\n",
                              "web"),
            true);
  EXPECT_EQ(cgroups_name_unit("0::/init.scope\n", "app"), false);
  // Without systemd nobody is of a unit, and nobody is surely of another.
  EXPECT_EQ(cgroups_name_unit("0::/\n", "app"), std::nullopt);
  EXPECT_EQ(cgroups_name_unit("0::/docker/abc\n", "app"), std::nullopt);
  EXPECT_EQ(cgroups_name_unit("", "app"), std::nullopt);
  EXPECT_EQ(cgroups_name_unit(v2, "not a unit"), std::nullopt);
  EXPECT_EQ(is_of_unit(0, "app"), std::nullopt);
}

}  // namespace
}  // namespace rolesync
