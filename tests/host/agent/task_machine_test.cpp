// SPDX-License-Identifier: Apache-2.0
// The whole table of the task machine: every step with every outcome, for the shapes that differ.
#include "host/agent/task_machine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace rolesync::agent {
namespace {

// Every step, when all of them come out ok but the one named, as "a b c: end".
std::string way(const TaskShape& shape, const std::vector<Step>& failing) {
  std::string text;
  Next next = first_step(shape);
  for (int guard = 0; next.at && guard < 50; ++guard) {
    const Step step = next.at->step;
    text += std::string(step_name(step)) + " ";
    const bool fails = std::find(failing.begin(), failing.end(), step) != failing.end();
    next = next_step(shape, *next.at, fails ? Outcome::failed : Outcome::ok);
  }
  return text + ": " + std::string(wire_state(next.end));
}

TaskShape everything() {
  TaskShape shape;
  shape.has_pre_sync = shape.has_post_sync = shape.has_service = shape.stop_first = true;
  shape.restart = shape.has_health = shape.had_release = shape.old_commands = true;
  return shape;
}

TEST(TaskMachine, WaysOfATaskWithEverything) {
  struct Row {
    std::vector<Step> failing;
    const char* way;
  };
  const std::vector<Row> rows = {
      {{}, "pre_sync stop activate post_sync restart health : succeeded"},
      {{Step::pre_sync}, "pre_sync : failed"},
      {{Step::stop}, "pre_sync stop resume : failed"},
      {{Step::stop, Step::resume}, "pre_sync stop resume : failed"},
      {{Step::activate}, "pre_sync stop activate resume : failed"},
      {{Step::post_sync},
       "pre_sync stop activate post_sync restore restore_commands restore_restart restore_health "
       ": rolled_back"},
      {{Step::restart},
       "pre_sync stop activate post_sync restart restore restore_commands restore_restart "
       "restore_health : rolled_back"},
      {{Step::health},
       "pre_sync stop activate post_sync restart health restore restore_commands restore_restart "
       "restore_health : rolled_back"},
      {{Step::health, Step::restore},
       "pre_sync stop activate post_sync restart health restore : rollback_failed"},
      // Trouble on the way back does not stop it, but it is told.
      {{Step::health, Step::restore_commands},
       "pre_sync stop activate post_sync restart health restore restore_commands restore_restart "
       "restore_health : rollback_failed"},
      {{Step::health, Step::restore_restart},
       "pre_sync stop activate post_sync restart health restore restore_commands restore_restart "
       "restore_health : rollback_failed"},
      {{Step::health, Step::restore_health},
       "pre_sync stop activate post_sync restart health restore restore_commands restore_restart "
       "restore_health : rollback_failed"},
  };
  for (const Row& row : rows) EXPECT_EQ(way(everything(), row.failing), row.way);
}

TEST(TaskMachine, StepsATaskDoesNotHaveArePassedOver) {
  TaskShape files_only;
  EXPECT_EQ(way(files_only, {}), "activate : succeeded");
  EXPECT_EQ(way(files_only, {Step::activate}), "activate : failed");

  TaskShape not_restarted = everything();
  not_restarted.restart = not_restarted.stop_first = false;
  EXPECT_EQ(way(not_restarted, {}), "pre_sync activate post_sync : succeeded");
  EXPECT_EQ(way(not_restarted, {Step::post_sync}),
            "pre_sync activate post_sync restore restore_commands : rolled_back");

  TaskShape stopped_only = everything();
  stopped_only.restart = false;  // stopped for the switch, so it is started again
  EXPECT_EQ(way(stopped_only, {}), "pre_sync stop activate post_sync restart health : succeeded");

  TaskShape first_install = everything();
  first_install.had_release = false;
  first_install.stop_first = false;
  EXPECT_EQ(way(first_install, {Step::health}),
            "pre_sync activate post_sync restart health restore restore_restart : rolled_back");

  TaskShape no_gate = everything();
  no_gate.has_health = false;
  EXPECT_EQ(way(no_gate, {Step::restart}),
            "pre_sync stop activate post_sync restart restore restore_commands restore_restart : "
            "rolled_back");
}

TEST(TaskMachine, EveryShapeAndOutcomeEnds) {
  for (unsigned bits = 0; bits < 256; ++bits) {
    const auto bit = [&](unsigned n) { return (bits >> n & 1) != 0; };
    const TaskShape shape{bit(0), bit(1), bit(2), bit(3), bit(4), bit(5), bit(6), bit(7)};
    for (unsigned fails = 0; fails < 2048; ++fails) {
      Next next = first_step(shape);
      int steps = 0;
      while (next.at && steps < 20) {
        const bool fail = fails >> static_cast<unsigned>(next.at->step) & 1;
        next = next_step(shape, *next.at, fail ? Outcome::failed : Outcome::ok);
        ++steps;
      }
      ASSERT_FALSE(next.at) << bits << " " << fails;
      ASSERT_LE(steps, 11);
      if (fails == 0) {
        ASSERT_EQ(next.end, End::succeeded);
      }
    }
  }
}

TEST(TaskMachine, NamesComeBack) {
  for (Step step : {Step::pre_sync, Step::stop, Step::activate, Step::post_sync, Step::restart,
                    Step::health, Step::resume, Step::restore, Step::restore_commands,
                    Step::restore_restart, Step::restore_health}) {
    EXPECT_EQ(step_from_name(step_name(step)), step);
  }
  EXPECT_FALSE(step_from_name("nonsense").has_value());
}

}  // namespace
}  // namespace rolesync::agent
