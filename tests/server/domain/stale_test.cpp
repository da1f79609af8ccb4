// SPDX-License-Identifier: Apache-2.0
// A row that does not hold any more says what changed.
#include "server/domain/stale.hpp"

#include <gtest/gtest.h>

#include "plan_fixture.hpp"

namespace rolesync::domain {
namespace {

std::string changed(const PlanRow& approved, const PlanRow& now) {
  return what_changed(approved, &now).value_or("");
}

TEST(Stale, ARowThatHoldsSaysNothing) {
  Fleet fleet;
  const PlanRow approved = fleet.row();
  fleet.input.nodes[0].online = false;
  EXPECT_EQ(changed(approved, fleet.row()), "");
}

TEST(Stale, SaysWhatChanged) {
  Fleet fleet;
  const PlanRow approved = fleet.row();
  EXPECT_NE(what_changed(approved, nullptr)->find("does not count"), std::string::npos);

  fleet.input.roles["web"].revision = "rr1:b";
  EXPECT_NE(changed(approved, fleet.row()).find("definition"), std::string::npos);
  fleet.input.roles["web"].revision = "rr1:a";

  fleet.on_node().content_id = fleet.new_manifest.content_id();
  fleet.on_node().commit = std::string(40, '2');
  EXPECT_EQ(changed(approved, fleet.row()),
            "web on n1: the node now has 222222222222 instead of 111111111111");
  fleet.on_node() = fleet.report();

  fleet.role().auto_restart = AutoRestart::no;
  EXPECT_NE(changed(approved, fleet.row()).find("not be restarted"), std::string::npos);
  fleet.role().auto_restart = AutoRestart::yes;

  fleet.input.server_plugins.clear();
  EXPECT_NE(changed(approved, fleet.row()).find("deployer"), std::string::npos);
}

}  // namespace
}  // namespace rolesync::domain
