// SPDX-License-Identifier: Apache-2.0
// What a policy makes of a rollout: batches, canaries, budgets, pauses, nodes that come late.
#include "server/domain/rollout_policy.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "server/domain/rollout.hpp"
#include "server/domain/rollout_operator.hpp"

namespace rolesync::domain {
namespace {

using Kind = Order::Kind;
using Nodes = std::vector<std::size_t>;

struct Fleet {
  Rollout rollout;
  Millis now = 1'000'000;
  std::set<std::string> away, failing;
  RolloutLimits limits;

  explicit Fleet(std::size_t nodes, RolloutPolicy policy = {}) {
    rollout.policy = std::move(policy);
    for (std::size_t i = 0; i < nodes; ++i) add("n" + std::to_string(i));
  }
  RolloutTask& add(const std::string& node, int order = 100) {
    RolloutTask task;
    task.id = "task_" + std::to_string(rollout.tasks.size());
    task.node = node;
    task.role = "web";
    task.order = order;
    task.commanded_at = now;
    rollout.tasks.push_back(task);
    return rollout.tasks.back();
  }
  // The tasks that were given this order.
  Nodes step(Kind kind = Kind::activate) {
    const Observed observed = {
        .last_seen =
            [this](const std::string& node) {
              return away.contains(node) ? std::nullopt : std::optional(now);
            },
        .is_failing = [this](const std::string& node,
                             const std::string&) { return failing.contains(node); }};
    Nodes nodes;
    for (const Order& order : advance(rollout, now, observed, limits)) {
      if (order.kind == kind) nodes.push_back(order.task);
    }
    return nodes;
  }
  void say(std::size_t task, TaskState state, std::string reason = "") {
    EXPECT_TRUE(apply(rollout.tasks[task], {state, "", std::move(reason), "", false}, now));
  }
  // Everything is staged; what may be switched first.
  Nodes staged() {
    step();
    for (std::size_t i = 0; i < rollout.tasks.size(); ++i) {
      if (rollout.tasks[i].state == TaskState::staging) say(i, TaskState::staged);
    }
    return step();
  }
  Nodes end(const Nodes& tasks, TaskState state = TaskState::succeeded) {
    for (const std::size_t task : tasks) say(task, state, "");
    return step();
  }
};

TEST(Amounts, AreReadAndWritten) {
  EXPECT_EQ(parse_amount("3"), (Amount{3, false}));
  EXPECT_EQ(parse_amount("25%"), (Amount{25, true}));
  for (const char* text : {"", "%", "-1", "+1", "1.5", "101%", "1000001", "1 ", "x", "1%%"}) {
    EXPECT_FALSE(parse_amount(text)) << text;
  }
  EXPECT_EQ(to_text({25, true}), "25%");
  EXPECT_EQ(to_text({0, false}), "0");
}

TEST(Amounts, BatchesAreRoundedUpAndBudgetsDown) {
  EXPECT_EQ((Amount{25, true}).at_least_one_of(9), 3U);
  EXPECT_EQ((Amount{0, false}).at_least_one_of(9), 1U);
  EXPECT_EQ((Amount{25, true}).at_most_of(9), 2U);
  EXPECT_EQ((Amount{0, true}).at_most_of(9), 0U);
}

TEST(Batches, TheLastSizeSlides) {
  Fleet fleet(5, {.batches = {{2}}});
  EXPECT_EQ(fleet.staged(), (Nodes{0, 1}));
  EXPECT_EQ(fleet.end({1}), (Nodes{2}));
  EXPECT_EQ(fleet.end({0, 2}), (Nodes{3, 4}));
  EXPECT_EQ(fleet.end({3, 4}), Nodes());
  EXPECT_EQ(fleet.rollout.state, JobState::succeeded);
}

TEST(Batches, AGrowingListWaitsForTheEndOfEach) {
  Fleet fleet(10, {.batches = {{1}, {30, true}, {100, true}}});
  EXPECT_EQ(fleet.staged(), (Nodes{0}));
  EXPECT_EQ(fleet.end({0}), (Nodes{1, 2, 3}));
  EXPECT_EQ(fleet.end({1, 3}), Nodes());
  EXPECT_EQ(fleet.end({2}), (Nodes{4, 5, 6, 7, 8, 9}));
}

TEST(Batches, CountNodesAndNotTheirTasks) {
  Fleet fleet(0, {.batches = {{1}}});
  fleet.add("a");
  fleet.add("a");
  fleet.add("b");
  EXPECT_EQ(fleet.staged(), (Nodes{0, 1}));
  EXPECT_EQ(fleet.end({0}), Nodes());
  EXPECT_EQ(fleet.end({1}), (Nodes{2}));
}

TEST(Batches, BeginAgainWithEachOrder) {
  Fleet fleet(0, {.batches = {{1}}});
  fleet.add("a", 2);
  fleet.add("b", 1);
  fleet.add("c", 1);
  EXPECT_EQ(fleet.staged(), (Nodes{1}));
  EXPECT_EQ(fleet.end({1}), (Nodes{2}));
  EXPECT_EQ(fleet.end({2}), (Nodes{0}));
}

TEST(Batches, LighterNodesGoFirst) {
  Fleet fleet(3, {.batches = {{1}}});
  fleet.rollout.tasks[0].weight = 3;
  fleet.rollout.tasks[1].weight = 2;
  EXPECT_EQ(fleet.staged(), (Nodes{2}));
  EXPECT_EQ(fleet.end({2}), (Nodes{1}));
}

TEST(Staging, IsBounded) {
  Fleet fleet(3, {.stage_at_once = 2});
  EXPECT_EQ(fleet.step(Kind::stage), (Nodes{0, 1}));
  fleet.say(0, TaskState::staged);
  EXPECT_EQ(fleet.step(Kind::stage), (Nodes{2}));
  fleet.say(1, TaskState::staged);
  EXPECT_EQ(fleet.step(), Nodes());  // not before all are staged
  fleet.say(2, TaskState::staged);
  EXPECT_EQ(fleet.step(), (Nodes{0, 1, 2}));
}

TEST(Canaries, GoFirstAndWaitForAWord) {
  Fleet fleet(4);
  choose_canaries(fleet.rollout, {25, true});
  EXPECT_EQ(fleet.staged(), (Nodes{0}));
  EXPECT_EQ(promote(fleet.rollout).error().reason, "nothing_to_promote");
  EXPECT_EQ(fleet.end({0}), Nodes());
  EXPECT_EQ(fleet.rollout.state, JobState::paused);
  EXPECT_EQ(fleet.rollout.reason, "awaiting_promotion");
  EXPECT_TRUE(promote(fleet.rollout));
  EXPECT_EQ(fleet.step(), (Nodes{1, 2, 3}));
  EXPECT_EQ(fleet.rollout.state, JobState::running);
}

TEST(Canaries, ArePromotedByTime) {
  Fleet fleet(2, {.promote_after = 60'000});
  choose_canaries(fleet.rollout, {1});
  fleet.end(fleet.staged());
  fleet.now += 59'999;
  EXPECT_EQ(fleet.step(), Nodes());
  fleet.now += 1;
  EXPECT_EQ(fleet.step(), (Nodes{1}));
}

TEST(Canaries, ThatAreAllThereIsNeedNoPromotion) {
  Fleet fleet(1);
  choose_canaries(fleet.rollout, {1});
  fleet.end(fleet.staged());
  EXPECT_EQ(fleet.rollout.state, JobState::succeeded);
}

TEST(Canaries, ThatFailStopTheJob) {
  Fleet fleet(3);
  choose_canaries(fleet.rollout, {1});
  fleet.end(fleet.staged(), TaskState::rolled_back);
  EXPECT_EQ(fleet.rollout.state, JobState::rolled_back);
  EXPECT_EQ(fleet.rollout.tasks[2].reason, "job_stopped");
}

TEST(MinHealthy, ANodeCountsOnlyAfterItsTime) {
  Fleet fleet(2, {.batches = {{1}}, .min_healthy = 10'000});
  EXPECT_EQ(fleet.end(fleet.staged()), Nodes());
  fleet.now += 9'999;
  EXPECT_EQ(fleet.step(), Nodes());
  fleet.now += 1;
  EXPECT_EQ(fleet.step(), (Nodes{1}));
}

TEST(MinHealthy, HealthLostAfterTheSwitchIsAFailure) {
  Fleet fleet(2, {.batches = {{1}}, .min_healthy = 10'000});
  fleet.end(fleet.staged());
  fleet.failing.insert("n0");
  fleet.now += 5'000;
  EXPECT_EQ(fleet.step(), Nodes());
  EXPECT_EQ(fleet.rollout.tasks[0].reason, "health_lost");
  EXPECT_EQ(fleet.rollout.state, JobState::failed);
}

TEST(Budget, AllowsSoManyFailedNodesAndNoMore) {
  Fleet fleet(10, {.batches = {{2}}, .max_failed = Amount{10, true}});
  EXPECT_EQ(fleet.staged(), (Nodes{0, 1}));
  EXPECT_EQ(fleet.end({0}, TaskState::rolled_back), (Nodes{2}));
  EXPECT_EQ(fleet.end({1}, TaskState::failed), Nodes());
  EXPECT_EQ(fleet.rollout.state, JobState::running);  // 2 has begun and may end
  fleet.end({2});
  EXPECT_EQ(fleet.rollout.state, JobState::partly_failed);
  EXPECT_NE(fleet.rollout.tasks[9].message.find("2 nodes failed, at most 1 may"),
            std::string::npos);
}

TEST(Budget, CountsLostNodesApart) {
  Fleet fleet(4, {.batches = {{1}}, .max_unreachable = Amount{1}});
  fleet.staged();
  fleet.away.insert("n0");
  fleet.now += fleet.limits.node_gone + 1;
  EXPECT_EQ(fleet.step(), (Nodes{1}));
  EXPECT_EQ(fleet.end({1}, TaskState::failed), Nodes());
  EXPECT_EQ(fleet.rollout.state, JobState::failed);
}

TEST(Budget, OfAGroupIsItsOwn) {
  Fleet fleet(
      6, {.batches = {{1}}, .max_failed = Amount{50, true}, .max_failed_per_group = Amount{1}});
  for (std::size_t i = 0; i < 6; ++i) fleet.rollout.tasks[i].group = i < 3 ? "rack=a" : "rack=b";
  EXPECT_EQ(fleet.staged(), (Nodes{0}));
  EXPECT_EQ(fleet.end({0}, TaskState::failed), (Nodes{1}));
  EXPECT_EQ(fleet.end({1}, TaskState::failed), Nodes());
  EXPECT_NE(fleet.rollout.tasks[5].message.find("2 nodes of rack=a failed"), std::string::npos);
}

TEST(Ask, HoldsAndGoesOnWithWhatWasAccepted) {
  Fleet fleet(4, {.batches = {{1}}, .ask = true});
  EXPECT_EQ(fleet.end(fleet.staged(), TaskState::rolled_back), Nodes());
  EXPECT_EQ(fleet.rollout.state, JobState::paused);
  EXPECT_EQ(fleet.rollout.reason, "failure_budget");
  EXPECT_TRUE(resume(fleet.rollout));
  EXPECT_EQ(fleet.step(), (Nodes{1}));
  EXPECT_EQ(fleet.end({1}, TaskState::rolled_back), Nodes());
  EXPECT_EQ(fleet.rollout.state, JobState::paused);
}

TEST(Pause, LetsTheBegunEndAndBeginsNothing) {
  Fleet fleet(3, {.batches = {{1}}});
  fleet.staged();
  EXPECT_TRUE(pause(fleet.rollout));
  EXPECT_EQ(fleet.end({0}), Nodes());
  EXPECT_EQ(fleet.rollout.reason, "paused");
  EXPECT_TRUE(resume(fleet.rollout));
  EXPECT_EQ(fleet.step(), (Nodes{1}));
  fleet.rollout.state = JobState::succeeded;
  EXPECT_EQ(pause(fleet.rollout).error().reason, "job_ended");
}

TEST(Skip, LeavesOutWhatHasNotBegun) {
  Fleet fleet(3, {.batches = {{1}}});
  fleet.staged();
  const auto orders = skip_node(fleet.rollout, "n1", fleet.now);
  ASSERT_TRUE(orders);
  EXPECT_EQ(*orders, (std::vector<Order>{{Kind::drop, 1}}));
  EXPECT_EQ(skip_node(fleet.rollout, "n0", fleet.now).error().reason, "task_has_begun");
  EXPECT_EQ(skip_node(fleet.rollout, "other", fleet.now).error().reason, "no_such_task");
  EXPECT_EQ(fleet.end({0}), (Nodes{2}));
}

TEST(CatchUp, WhoIsAwayHoldsUpNobodyAndComesLate) {
  Fleet fleet(3);
  fleet.rollout.policy.catch_up_until = fleet.now + 3'600'000;
  fleet.away.insert("n1");
  EXPECT_EQ(fleet.staged(), (Nodes{0, 2}));
  fleet.end({0, 2});
  EXPECT_EQ(fleet.rollout.state, JobState::running);
  fleet.away.clear();
  EXPECT_EQ(fleet.step(Kind::stage), (Nodes{1}));
  fleet.say(1, TaskState::staged);
  EXPECT_EQ(fleet.step(), (Nodes{1}));
  fleet.end({1});
  EXPECT_EQ(fleet.rollout.state, JobState::succeeded);
}

TEST(CatchUp, EndsWithTheTime) {
  Fleet fleet(2);
  fleet.rollout.policy.catch_up_until = fleet.now + 3'600'000;
  fleet.away.insert("n1");
  fleet.end(fleet.staged());
  fleet.now += 3'600'000;
  fleet.step();
  EXPECT_EQ(fleet.rollout.tasks[1].reason, "node_offline");
  EXPECT_EQ(fleet.rollout.state, JobState::partly_failed);
}

}  // namespace
}  // namespace rolesync::domain
