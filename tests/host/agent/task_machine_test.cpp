// SPDX-License-Identifier: Apache-2.0
// The whole table of the task machine, generated from its own shape: every shape of a task, every
// step it can come to, everything that can happen to that step. What must follow is said here by
// rules that know nothing of the table; docs/agent.md must show the same table.
#include "host/agent/task_machine.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/host/agent/task_cases.hpp"
#include "tests/place.hpp"

namespace rolesync::agent {
namespace {

using namespace task_cases;

// Whatever was done on the way there must have been taken back.
void expect_way_back_is_complete(const TaskShape& s, const Way& way, const Way& before, Step step,
                                 Event event) {
  const bool restarts = s.has_service && (s.restart || s.stop_first);
  const bool broken_here = is_bad(event);
  if (way.end == End::failed) {
    EXPECT_FALSE(way.did(Step::restore)) << "nothing was switched";
    if (before.did(Step::stop) || step == Step::stop) {
      EXPECT_TRUE(way.did(Step::resume)) << "a stopped service is started again";
    }
    const bool up = !way.did(Step::resume) || way.well.contains(Step::resume);
    if ((way.did(Step::drain) || way.did(Step::stop)) && s.has_undrain) {
      EXPECT_EQ(way.did(Step::resume_undrain), up) << "a node is used again when it can be";
    }
  }
  if (way.end == End::succeeded) {
    EXPECT_EQ(way.did(Step::post_sync), s.has_post_sync);
    EXPECT_EQ(way.did(Step::restart), restarts);
    EXPECT_EQ(way.did(Step::health), restarts && s.has_health);
    EXPECT_EQ(way.did(Step::undrain), restarts && s.has_undrain);
  }
  if (way.end == End::rolled_back || way.end == End::rollback_failed) {
    EXPECT_TRUE(way.did(Step::restore));
    if (step == Step::restore && broken_here) return;  // without files there is nothing to start
    EXPECT_EQ(way.did(Step::restore_commands), s.had_release && s.old_commands);
    EXPECT_EQ(way.did(Step::restore_restart), restarts);
    EXPECT_EQ(way.did(Step::restore_health), restarts && s.has_health && s.had_release);
    const bool well = !way.did(Step::restore_health) || way.well.contains(Step::restore_health);
    const bool can = s.had_release && restarts && (s.has_undrain || s.old_undrain);
    EXPECT_EQ(way.did(Step::restore_undrain), can && well);
  }
  if (way.did(Step::undrain) && s.has_health) {
    EXPECT_TRUE(way.well.contains(Step::health) || step == Step::undrain)
        << "used before it is well";
  }
}

TEST(TaskMachine, EveryShapeStepAndEventHasItsPromisedEnd) {
  std::set<std::string> cases;
  for (unsigned bits = 0; bits < 1u << kShapeBits; ++bits) {
    const TaskShape shape = shape_of(bits);
    std::string steps;
    const auto all = arrivals(shape);
    for (const auto& [step, arrival] : all) steps += std::string(step_name(step)) + " ";
    for (const auto& [step, arrival] : all) {
      for (const Event event : kEvents) {
        // A step before the switch cannot be died in with the switch done.
        if (event == Event::agent_dies_switched && step < Step::activate) continue;
        const Way way = after(shape, arrival, event);
        SCOPED_TRACE("shape " + std::to_string(bits) + " (" + steps + "), event " +
                     std::to_string(static_cast<int>(event)) + " in " +
                     std::string(step_name(step)) + ": " + way.text());
        EXPECT_EQ(wire_state(way.end), wire_state(promised_end(step, event)));
        expect_way_back_is_complete(shape, way, arrival.before, step, event);
        cases.insert(steps + "/" + std::string(step_name(step)) + "/" +
                     std::to_string(static_cast<int>(event)));
      }
    }
    if (HasFailure()) return;  // the other shapes say the same
  }
  RecordProperty("cases", static_cast<int>(cases.size()));
  std::printf("%zu different cases\n", cases.size());
  EXPECT_GE(cases.size(), 90u);
}

// A second death, in the way that follows the first, and a third: each record alone is enough.
TEST(TaskMachine, DyingInEveryStepThatFollowsChangesNoEnd) {
  for (unsigned bits = 0; bits < 1u << kShapeBits; ++bits) {
    const TaskShape shape = shape_of(bits);
    for (std::size_t n = 0; n <= step_count; ++n) {
      const std::set<Step> failing =
          n < step_count ? std::set<Step>{static_cast<Step>(n)} : std::set<Step>{};
      const Way undisturbed = way_of(shape, failing);
      Next next = first_step(shape);
      bool switched = false;
      for (int guard = 0; next.at && guard < 40; ++guard) {
        const Step step = next.at->step;
        const bool fails = failing.contains(step);
        // From the switch on, the agent dies once after each step's work and before its record.
        if (!fails && step == Step::activate) switched = true;
        if (step == Step::restore && !fails) switched = false;
        const bool dies = step >= Step::activate && !fails;
        if (dies) {
          next = resumed_step(shape, from_disk(*next.at), switched);
          if (next.at && next.at->step == step) next = next_step(shape, *next.at, Outcome::ok);
        } else {
          next = next_step(shape, *next.at, fails ? Outcome::failed : Outcome::ok);
        }
      }
      ASSERT_FALSE(next.at);
      ASSERT_EQ(next.end, undisturbed.end) << bits << " " << n << " " << undisturbed.text();
    }
  }
}

TEST(TaskMachine, WaysOfATaskWithEverything) {
  const std::string there = "pre_sync drain stop activate post_sync restart health ";
  const std::string back =
      "restore restore_commands restore_restart restore_health restore_undrain ";
  struct Row {
    std::set<Step> failing;
    std::string way;
  };
  const std::vector<Row> rows = {
      {{}, there + "undrain : succeeded"},
      {{Step::pre_sync}, "pre_sync : failed"},
      {{Step::drain}, "pre_sync drain resume_undrain : failed"},
      {{Step::stop}, "pre_sync drain stop resume resume_undrain : failed"},
      {{Step::stop, Step::resume}, "pre_sync drain stop resume : failed"},
      {{Step::activate}, "pre_sync drain stop activate resume resume_undrain : failed"},
      {{Step::post_sync}, "pre_sync drain stop activate post_sync " + back + ": rolled_back"},
      {{Step::health}, there + back + ": rolled_back"},
      {{Step::undrain}, there + "undrain " + back + ": rolled_back"},
      {{Step::health, Step::restore}, there + "restore : rollback_failed"},
      // Trouble on the way back does not stop it, but it is told.
      {{Step::health, Step::restore_commands}, there + back + ": rollback_failed"},
      {{Step::health, Step::restore_restart}, there + back + ": rollback_failed"},
      {{Step::health, Step::restore_health},
       there + "restore restore_commands restore_restart restore_health : rollback_failed"},
  };
  for (const Row& row : rows) EXPECT_EQ(way_of(everything(), row.failing).text(), row.way);
}

TEST(TaskMachine, StepsATaskDoesNotHaveArePassedOver) {
  const TaskShape files_only;
  EXPECT_EQ(way_of(files_only, {}).text(), "activate : succeeded");
  EXPECT_EQ(way_of(files_only, {Step::activate}).text(), "activate : failed");

  TaskShape not_restarted = everything();
  not_restarted.restart = not_restarted.stop_first = false;
  EXPECT_EQ(way_of(not_restarted, {}).text(), "pre_sync activate post_sync : succeeded");
  EXPECT_EQ(way_of(not_restarted, {Step::post_sync}).text(),
            "pre_sync activate post_sync restore restore_commands : rolled_back");

  TaskShape stopped_only = everything();
  stopped_only.restart = false;  // stopped for the switch, so it is started again
  EXPECT_EQ(way_of(stopped_only, {}).text(),
            "pre_sync drain stop activate post_sync restart health undrain : succeeded");

  TaskShape first_install = everything();
  first_install.had_release = first_install.stop_first = false;
  EXPECT_EQ(
      way_of(first_install, {Step::health}).text(),
      "pre_sync drain activate post_sync restart health restore restore_restart : rolled_back");
}

TEST(TaskMachine, NamesComeBack) {
  for (std::size_t n = 0; n < step_count; ++n) {
    const Step step = static_cast<Step>(n);
    EXPECT_EQ(step_from_name(step_name(step)), step);
    EXPECT_FALSE(wire_step(step).empty());
  }
  EXPECT_FALSE(step_from_name("nonsense").has_value());
}

// -- docs/agent.md -----------------------------------------------------------------------------

std::string on_failure(Step step) {
  const auto found = arrivals(everything()).at(step);
  const Way way = after(everything(), found, Event::fails);
  std::string text;
  for (std::size_t i = found.before.begun.size() + 1; i < way.begun.size(); ++i) {
    text += "`" + std::string(step_name(way.begun[i])) + "`, ";
  }
  return text + "**" + std::string(wire_state(way.end)) + "**";
}

std::string on_death(Step step) {
  const auto words = [](AfterDeath fate) {
    return fate == AfterDeath::again          ? "is done again"
           : fate == AfterDeath::counts_as_ok ? "counts as done"
                                              : "counts as failed";
  };
  const std::string switched = words(after_death(step, true));
  const std::string unswitched = words(after_death(step, false));
  if (switched == unswitched) return switched;
  return "with the new release on the disk " + switched + ", else " + unswitched;
}

TEST(TaskMachine, TheTableInTheDocsIsThisOne) {
  std::ifstream in(source_directory() + "/docs/agent.md");
  std::vector<std::string> rows;
  for (std::string line; std::getline(in, line);) {
    std::vector<std::string> cells;
    std::stringstream fields(line);
    for (std::string cell; std::getline(fields, cell, '|');) cells.push_back(cell);
    if (cells.size() != 5 || cells[1].size() < 5 || cells[1][1] != '`') continue;
    if (!step_from_name(cells[1].substr(2, cells[1].size() - 4))) continue;
    rows.push_back("|" + cells[1] + "|" + cells[3] + "|" + cells[4] + "|");
  }
  std::vector<std::string> expected;
  for (std::size_t n = 0; n < step_count; ++n) {
    const Step step = static_cast<Step>(n);
    expected.push_back("| `" + std::string(step_name(step)) + "` | " + on_failure(step) + " | " +
                       on_death(step) + " |");
  }
  EXPECT_EQ(rows, expected);
}

}  // namespace
}  // namespace rolesync::agent
