// SPDX-License-Identifier: Apache-2.0
// The rollout machine: nothing is switched before everything is staged, roles switch in order, and
// whatever happens every task and the job end with a named cause.
#include "server/domain/rollout.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace rolesync::domain {
namespace {

using Kind = Order::Kind;

struct Machine {
  Rollout rollout;
  Millis now = 1'000'000;
  std::map<std::string, Millis> seen;
  std::set<std::string> failing;
  RolloutLimits limits;

  explicit Machine(std::vector<std::pair<std::string, int>> nodes_and_orders) {
    for (const auto& [node, order] : nodes_and_orders) {
      RolloutTask task;
      task.id = "task_" + node;
      task.node = node;
      task.role = "web";
      task.order = order;
      rollout.tasks.push_back(task);
    }
  }
  std::vector<Order> step() {
    const Observed observed = {
        .last_seen = [this](const std::string& node) -> std::optional<Millis> {
          const auto it = seen.find(node);
          return it == seen.end() ? std::nullopt : std::optional(it->second);
        },
        .is_failing = [this](const std::string& node,
                             const std::string&) { return failing.contains(node); }};
    return advance(rollout, now, observed, limits);
  }
  bool say(std::size_t task, TaskState state, std::string reason = "") {
    return apply(rollout.tasks[task], {state, "", std::move(reason), "", false}, now);
  }
  TaskState state(std::size_t task) const { return rollout.tasks[task].state; }
};

TEST(Rollout, StagesEverywhereBeforeAnythingIsSwitched) {
  Machine m({{"n1", 100}, {"n2", 100}});
  EXPECT_EQ(m.step(), (std::vector<Order>{{Kind::stage, 0}, {Kind::stage, 1}}));
  EXPECT_TRUE(m.step().empty());
  m.say(0, TaskState::staged);
  EXPECT_TRUE(m.step().empty());
  m.say(1, TaskState::staged);
  EXPECT_EQ(m.step(), (std::vector<Order>{{Kind::activate, 0}, {Kind::activate, 1}}));
  EXPECT_TRUE(m.step().empty());
  m.say(0, TaskState::succeeded);
  m.say(1, TaskState::succeeded);
  m.step();
  EXPECT_EQ(m.rollout.state, JobState::succeeded);
}

TEST(Rollout, SwitchesInTheOrderOfRoles) {
  Machine m({{"late", 900}, {"early", 1}, {"middle", 100}});
  m.step();
  for (std::size_t i = 0; i < 3; ++i) m.say(i, TaskState::staged);
  EXPECT_EQ(m.step(), (std::vector<Order>{{Kind::activate, 1}}));
  m.say(1, TaskState::restarting);
  EXPECT_TRUE(m.step().empty());
  m.say(1, TaskState::succeeded);
  EXPECT_EQ(m.step(), (std::vector<Order>{{Kind::activate, 2}}));
  m.say(2, TaskState::succeeded);
  EXPECT_EQ(m.step(), (std::vector<Order>{{Kind::activate, 0}}));
}

TEST(Rollout, AFailureWhileStagingStopsTheJobBeforeAnySwitch) {
  Machine m({{"n1", 100}, {"n2", 100}});
  m.step();
  m.say(0, TaskState::staged);
  m.say(1, TaskState::failed, "disk_full");
  EXPECT_EQ(m.step(), (std::vector<Order>{{Kind::drop, 0}}));
  EXPECT_EQ(m.state(0), TaskState::cancelled);
  EXPECT_EQ(m.rollout.tasks[0].reason, "job_stopped");
  EXPECT_EQ(m.rollout.state, JobState::failed);
  EXPECT_EQ(m.rollout.reason, "disk_full");
}

TEST(Rollout, GoesOnWithoutTheFailedOnesWhenAskedTo) {
  Machine m({{"n1", 100}, {"n2", 100}});
  m.rollout.policy.max_failed = Amount{100, true};
  m.step();
  m.say(1, TaskState::failed, "disk_full");
  m.say(0, TaskState::staged);
  EXPECT_EQ(m.step(), (std::vector<Order>{{Kind::activate, 0}}));
  m.say(0, TaskState::succeeded);
  m.step();
  EXPECT_EQ(m.rollout.state, JobState::partly_failed);
}

TEST(Rollout, ARollBackStopsLaterRoles) {
  Machine m({{"n1", 1}, {"n2", 2}});
  m.step();
  m.say(0, TaskState::staged);
  m.say(1, TaskState::staged);
  m.step();
  m.say(0, TaskState::rolled_back, "health_failed");
  EXPECT_EQ(m.step(), (std::vector<Order>{{Kind::drop, 1}}));
  EXPECT_EQ(m.rollout.state, JobState::rolled_back);
  EXPECT_EQ(m.rollout.reason, "health_failed");
}

TEST(Rollout, ANodeThatIsGoneEndsItsTaskWithinTheLimit) {
  Machine m({{"n1", 100}});
  m.step();
  m.seen["n1"] = m.now + 60'000;
  m.now += 60'000 + m.limits.node_gone;
  EXPECT_TRUE(m.step().empty());
  m.now += 1;
  EXPECT_EQ(m.step(), (std::vector<Order>{{Kind::drop, 0}}));
  EXPECT_EQ(m.rollout.tasks[0].reason, "node_gone");
  EXPECT_EQ(m.rollout.state, JobState::failed);
}

TEST(Rollout, ANodeThatSaidItRestartsHasTimeToComeBackAsTheOldOne) {
  Machine m({{"n1", 100}});
  m.step();
  m.say(0, TaskState::staged);
  m.step();
  m.say(0, TaskState::restarting);
  m.seen["n1"] = m.now;
  m.now += 2 * m.limits.node_gone;
  m.step();
  EXPECT_EQ(m.state(0), TaskState::restarting);
  m.now += 1;
  m.step();
  EXPECT_EQ(m.rollout.tasks[0].reason, "node_gone");
}

TEST(Rollout, ANodeThatIsThereButNeverFinishesEndsToo) {
  Machine m({{"n1", 100}});
  m.step();
  m.now += m.limits.stage + 1;
  m.seen["n1"] = m.now;
  m.step();
  EXPECT_EQ(m.rollout.tasks[0].reason, "task_timeout");
}

TEST(Rollout, CancelLetsABegunSwitchFinish) {
  Machine m({{"n1", 1}, {"n2", 2}});
  m.step();
  m.say(0, TaskState::staged);
  m.say(1, TaskState::staged);
  m.step();
  m.rollout.cancel_requested = true;
  EXPECT_EQ(m.step(), (std::vector<Order>{{Kind::drop, 1}}));
  EXPECT_EQ(m.rollout.state, JobState::running);
  m.say(0, TaskState::succeeded);
  m.step();
  EXPECT_EQ(m.rollout.state, JobState::cancelled);
  EXPECT_NE(m.rollout.message.find("1 of 2"), std::string::npos);
}

TEST(Rollout, SkippedRowsMakeAJobPartlyFailed) {
  Machine m({{"n1", 100}, {"n2", 100}});
  m.rollout.tasks[1].state = TaskState::skipped;
  m.rollout.tasks[1].reason = "plan_stale";
  m.step();
  m.say(0, TaskState::staged);
  m.step();
  m.say(0, TaskState::succeeded);
  m.step();
  EXPECT_EQ(m.rollout.state, JobState::partly_failed);
  EXPECT_EQ(m.rollout.reason, "plan_stale");
}

TEST(Rollout, NothingToDoSucceedsAtOnce) {
  Machine m({});
  EXPECT_TRUE(m.step().empty());
  EXPECT_EQ(m.rollout.state, JobState::succeeded);
  EXPECT_EQ(m.rollout.reason, "nothing_to_do");
}

TEST(Apply, IgnoresTheOldAndWhatComesAfterTheEnd) {
  Machine m({{"n1", 100}});
  m.step();
  EXPECT_TRUE(m.say(0, TaskState::staged));
  EXPECT_FALSE(m.say(0, TaskState::staged));  // known
  EXPECT_FALSE(m.say(0, TaskState::staging));
  m.step();
  EXPECT_FALSE(m.say(0, TaskState::staged));
  EXPECT_TRUE(m.say(0, TaskState::checking));
  EXPECT_TRUE(m.say(0, TaskState::rolling_back));
  EXPECT_TRUE(m.say(0, TaskState::rolled_back));
  EXPECT_FALSE(m.say(0, TaskState::succeeded));
  EXPECT_EQ(m.state(0), TaskState::rolled_back);
}

TEST(Words, RoundTrip) {
  for (int i = 0; i <= static_cast<int>(TaskState::cancelled); ++i) {
    const auto state = static_cast<TaskState>(i);
    EXPECT_EQ(task_state(to_word(state)), state);
  }
  EXPECT_FALSE(task_state("nonsense"));
  EXPECT_EQ(job_state("partly_failed"), JobState::partly_failed);
}

}  // namespace
}  // namespace rolesync::domain
