// SPDX-License-Identifier: Apache-2.0
// Random fleets under random policies: nodes fail, vanish, return and fall ill, operators pause,
// promote, skip and cancel, the server dies and loads what it had written. Whatever happens, the
// promises of the rollout hold at every step and every job ends.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "server/domain/rollout.hpp"
#include "server/domain/rollout_operator.hpp"

namespace rolesync::domain {
namespace {

constexpr Millis hour = 3'600'000;

bool is_switching(const RolloutTask& task) {
  return task.state >= TaskState::activating && task.state <= TaskState::rolling_back;
}
bool is_over(const RolloutTask& task) {
  return is_final(task.state) && (task.state != TaskState::succeeded || task.settled);
}
bool has_failed(const RolloutTask& task) {
  return task.state == TaskState::failed || task.state == TaskState::rolled_back ||
         task.state == TaskState::rollback_failed;
}

class Simulation {
 public:
  explicit Simulation(unsigned seed) : random_(seed) {
    const int nodes = pick(1, 12);
    RolloutPolicy& policy = rollout_.policy;
    for (int i = pick(0, 3); i > 0; --i) policy.batches.push_back(amount());
    if (chance(30)) policy.stage_at_once = static_cast<std::size_t>(pick(1, 4));
    if (chance(30)) policy.promote_after = pick(1, 300) * 1000;
    if (chance(40)) policy.min_healthy = pick(1, 100) * 1000;
    if (chance(60)) policy.max_failed = amount();
    if (chance(60)) policy.max_unreachable = amount();
    if (chance(20)) policy.max_failed_per_group = amount();
    policy.ask = chance(30);
    if (chance(30)) policy.catch_up_until = now_ + pick(1, 10) * hour;
    for (int i = 0; i < nodes; ++i) {
      const std::string node = "n" + std::to_string(i);
      seen_[node] = now_;
      for (int role = pick(1, 3); role > 0; --role) {
        RolloutTask task;
        task.id = node + "_" + std::to_string(role);
        task.node = node;
        task.role = "role" + std::to_string(role);
        task.order = role * 10;
        task.weight = pick(0, 2);
        task.group = i % 2 == 0 ? "rack=a" : "rack=b";
        rollout_.tasks.push_back(task);
      }
    }
    if (chance(40)) choose_canaries(rollout_, amount());
  }

  void run() {
    for (int i = 0; i < 5000 && !is_final(rollout_.state); ++i) {
      now_ += pick(1, 60) * 1000;
      happens_to_nodes();
      operator_acts(i);
      if (chance(2)) server_dies();
      step();
    }
    ASSERT_TRUE(is_final(rollout_.state)) << "it never ended";
    for (const RolloutTask& task : rollout_.tasks) {
      ASSERT_TRUE(is_final(task.state)) << task.id;
      if (task.state != TaskState::succeeded) {
        ASSERT_NE(task.reason, "") << task.id;
      }
    }
    if (rollout_.state != JobState::succeeded) {
      ASSERT_NE(rollout_.reason, "");
    }
  }

 private:
  int pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  bool chance(int percent) { return pick(1, 100) <= percent; }
  Amount amount() {
    return chance(50) ? Amount{static_cast<std::size_t>(pick(0, 4)), false}
                      : Amount{static_cast<std::size_t>(pick(0, 100)), true};
  }

  bool is_present(const std::string& node) const {
    const auto it = seen_.find(node);
    return it != seen_.end() && now_ - it->second <= limits_.node_gone;
  }

  void happens_to_nodes() {
    for (auto& task : rollout_.tasks) {
      if (chance(1)) gone_.insert(task.node);
      if (chance(10)) gone_.erase(task.node);
      if (!gone_.contains(task.node)) seen_[task.node] = now_;
      if (chance(1)) ill_.insert(task.node);
      if (chance(20)) ill_.erase(task.node);
      if (gone_.contains(task.node) || !chance(40)) continue;
      if (task.state == TaskState::staging) report(task, chance(95), TaskState::staged);
      if (!is_switching(task)) continue;
      if (chance(50) && task.state < TaskState::checking) {
        report(task, chance(95), TaskState(static_cast<int>(task.state) + 1));
      } else {
        report(task, chance(90), TaskState::succeeded);
      }
    }
  }

  void report(RolloutTask& task, bool good, TaskState next) {
    const TaskState bad = chance(50)   ? TaskState::failed
                          : chance(90) ? TaskState::rolled_back
                                       : TaskState::rollback_failed;
    apply(task, {good ? next : bad, "step", good ? "" : "health_failed", "", false}, now_);
  }

  void operator_acts(int step) {
    const std::string node = "n" + std::to_string(pick(0, 12));
    if (chance(1)) {
      ASSERT_TRUE(pause(rollout_));
    }
    if (chance(1) && step > 100) rollout_.cancel_requested = true;
    if (chance(1)) {
      if (auto orders = skip_node(rollout_, node, now_)) check_drops(*orders);
    }
    if (rollout_.state != JobState::paused || !chance(20)) return;
    if (rollout_.reason == "awaiting_promotion") {
      ASSERT_TRUE(promote(rollout_));
    } else {
      ASSERT_TRUE(resume(rollout_));
    }
  }

  // What the database keeps: the states of the tasks, what operators have said.
  void server_dies() {
    seen_.clear();
    for (RolloutTask& task : rollout_.tasks) {
      task.settled = false;
      task.commanded_at = now_;
    }
  }

  void step() {
    const std::vector<RolloutTask> before = rollout_.tasks;
    const Observed observed = {
        .last_seen =
            [this](const std::string& node) {
              const auto it = seen_.find(node);
              return it == seen_.end() ? std::nullopt : std::optional(it->second);
            },
        .is_failing = [this](const std::string& node,
                             const std::string&) { return ill_.contains(node); }};
    const std::vector<Order> orders = advance(rollout_, now_, observed, limits_);
    for (const Order& order : orders) {
      const TaskState was = before[order.task].state;
      const RolloutTask& task = rollout_.tasks[order.task];
      if (order.kind == Order::Kind::stage) {
        ASSERT_EQ(was, TaskState::pending);
      }
      if (order.kind == Order::Kind::drop) {
        ASSERT_TRUE(is_final(task.state));
      }
      if (order.kind == Order::Kind::stage) {
        ASSERT_TRUE(is_present_or_waited_for(task.node));
      }
      if (order.kind == Order::Kind::activate) {
        ASSERT_EQ(was, TaskState::staged);
        check_turn(task);
      }
    }
    const bool begins = std::any_of(orders.begin(), orders.end(), [](const Order& order) {
      return order.kind != Order::Kind::drop;
    });
    if (begins && rollout_.reason != "awaiting_promotion") {
      ASSERT_NE(rollout_.state, JobState::paused);
    }
    if (begins) {
      ASSERT_LE(failed_nodes(), allowed());
    }
    check_window();
    ASSERT_TRUE(advance(rollout_, now_, observed, limits_).empty()) << "it asks twice";
  }

  bool is_present_or_waited_for(const std::string& node) const {
    return rollout_.policy.catch_up_until <= now_ || seen_.contains(node);
  }

  // Canaries first, then order by order; but nobody waits for who is away.
  void check_turn(const RolloutTask& task) {
    for (const RolloutTask& other : rollout_.tasks) {
      if (is_over(other) || is_switching(other)) continue;
      const bool is_away = other.state == TaskState::pending && !is_present(other.node);
      if (is_away && rollout_.policy.catch_up_until > now_) continue;
      ASSERT_FALSE(other.canary && !task.canary) << task.id << " before canary " << other.id;
      if (other.canary == task.canary) {
        ASSERT_LE(task.order, other.order) << other.id;
      }
    }
    if (task.canary || rollout_.promoted || rollout_.policy.promote_after) return;
    for (const RolloutTask& other : rollout_.tasks) {
      ASSERT_FALSE(other.canary) << "not promoted";
    }
  }

  std::size_t failed_nodes() const {
    std::set<std::string> nodes;
    for (const RolloutTask& task : rollout_.tasks) {
      if (has_failed(task) && task.reason != "node_gone") nodes.insert(task.node);
    }
    return nodes.size();
  }
  std::size_t allowed() const {
    std::set<std::string> nodes;
    for (const RolloutTask& task : rollout_.tasks) nodes.insert(task.node);
    const Amount budget = rollout_.policy.max_failed.value_or(Amount());
    return std::max(budget.percent ? budget.value * nodes.size() / 100 : budget.value,
                    rollout_.accepted_failed);
  }

  // Never more nodes at work than the largest batch has places.
  void check_window() {
    if (rollout_.policy.batches.empty()) return;
    std::map<std::pair<bool, int>, std::set<std::string>> nodes;
    std::map<std::pair<bool, int>, std::set<std::string>> at_work;
    for (const RolloutTask& task : rollout_.tasks) {
      nodes[{task.canary, task.order}].insert(task.node);
      if (is_switching(task)) at_work[{task.canary, task.order}].insert(task.node);
    }
    for (const auto& [group, working] : at_work) {
      std::size_t most = 0;
      for (const Amount& size : rollout_.policy.batches) {
        most = std::max(most, size.at_least_one_of(nodes[group].size()));
      }
      ASSERT_LE(working.size(), most);
    }
  }

  void check_drops(const std::vector<Order>& orders) {
    for (const Order& order : orders) {
      ASSERT_EQ(order.kind, Order::Kind::drop);
    }
  }

  std::mt19937 random_;
  Millis now_ = 1'000'000'000;
  RolloutLimits limits_;
  Rollout rollout_;
  std::map<std::string, Millis> seen_;
  std::set<std::string> gone_, ill_;
};

TEST(RolloutSimulation, ThePromisesHoldAtEveryStep) {
  for (unsigned seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation(seed).run();
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace rolesync::domain
