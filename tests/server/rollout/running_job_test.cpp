// SPDX-License-Identifier: Apache-2.0
// A job's steps: what could not be written is asked for again, and what nodes say while a step is
// being written is in the next one.
#include "server/rollout/running_job.hpp"

#include <gtest/gtest.h>

#include "server/store/nodes.hpp"
#include "server/store/plans.hpp"
#include "tests/server/store/temporary_store.hpp"

namespace rolesync::rollout {
namespace {

using domain::TaskState;

class RunningJobTest : public store::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    const Status written = store_->write([](store::Session& session) -> Status {
      store::PlanRecord plan;
      plan.hash = "plan";
      store::SyncJob job;
      job.id = "job";
      job.plan_hash = "plan";
      job.state = "pending";
      for (const Status& done : {store::add_plan(session, plan), store::add_job(session, job)}) {
        if (!done) return done;
      }
      for (const char* name : {"a", "b"}) {
        store::Node node;
        node.id = node.credential_hash = name;
        store::SyncTask task;
        task.id = std::string("task-") + name;
        task.job_id = "job";
        task.node = name;
        task.role = "web";
        task.state = "pending";
        for (const Status& done :
             {store::add_node(session, node), store::add_task(session, task)}) {
          if (!done) return done;
        }
      }
      return {};
    });
    ASSERT_TRUE(written) << written.error().text();
    auto loaded = store_->read(
        [](store::Session& session) { return RunningJob::load(session, "job", 1'000); });
    ASSERT_TRUE(loaded) << loaded.error().text();
    job = std::make_unique<RunningJob>(std::move(*loaded));
  }
  std::optional<JobStep> next() {
    const domain::Observed nobody = {.last_seen = [](const std::string&) { return std::nullopt; }};
    return job->next(2'000, nobody, {});
  }
  void write(JobStep step) {
    const Status written =
        store_->write([&](store::Session& session) { return step.write(session, 2'000); });
    ASSERT_TRUE(written) << written.error().text();
    job->written(std::move(step));
  }

  std::unique_ptr<RunningJob> job;
};

TEST_F(RunningJobTest, AStepThatWasNotWrittenIsAskedForAgain) {
  const auto first = next();
  ASSERT_TRUE(first);
  ASSERT_EQ(first->commands.size(), 2u);
  const auto again = next();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->commands.size(), 2u);
  EXPECT_EQ(again->commands[0].id, first->commands[0].id);
  EXPECT_TRUE(again->state_changed);
  write(*again);
  EXPECT_FALSE(next()) << "all of it is written";
}

TEST_F(RunningJobTest, WhatIsSaidWhileAStepIsWrittenIsInTheNext) {
  auto first = next();
  ASSERT_TRUE(first);
  ASSERT_TRUE(job->apply(0, {TaskState::staged, "verify", "", "", false}, 2'000));
  write(std::move(*first));
  const auto second = next();
  ASSERT_TRUE(second);
  ASSERT_EQ(second->tasks.size(), 1u);
  EXPECT_EQ(second->tasks[0].second.state, "staged");
  EXPECT_TRUE(second->commands.empty()) << "the other one is not staged yet";
}

TEST_F(RunningJobTest, EndsOnceItsEndIsWritten) {
  write(*next());
  for (std::size_t i : {0u, 1u}) job->apply(i, {TaskState::staged, "", "", "", false}, 2'000);
  auto activation = next();
  ASSERT_TRUE(activation);
  EXPECT_EQ(activation->commands.size(), 2u);
  write(std::move(*activation));
  for (std::size_t i : {0u, 1u}) job->apply(i, {TaskState::succeeded, "", "", "", false}, 2'000);
  auto end = next();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->record.state, "succeeded");
  EXPECT_FALSE(job->ended());
  write(std::move(*end));
  EXPECT_TRUE(job->ended());
  EXPECT_FALSE(next());
}

TEST_F(RunningJobTest, AHolderWhoseLeaseWasTakenWritesNothingAnyMore) {
  auto step = next();
  ASSERT_TRUE(step);
  const auto taken = store_->write(
      [](store::Session& session) { return store::claim_job(session, "job", "other", 0, 9'000); });
  ASSERT_TRUE(taken.ok() && taken->has_value());
  const Status written =
      store_->write([&](store::Session& session) { return step->write(session, 2'000); });
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().reason, "lease_lost");
  const auto commands =
      store_->read([](store::Session& session) { return store::open_commands(session); });
  EXPECT_TRUE(commands->empty()) << "neither its commands nor its states are kept";
  const auto tasks =
      store_->read([](store::Session& session) { return store::tasks_of_job(session, "job"); });
  EXPECT_EQ(tasks->at(0).state, "pending");
}

TEST_F(RunningJobTest, WhatStandsInTheDatabaseMayBeTakenInAgainAndAgain) {
  write(*next());
  const auto said = [](std::int64_t sequence, const char* state, std::int64_t fence) {
    store::TaskEvent event;
    event.task_id = "task-a";
    event.sequence = sequence;
    event.state = state;
    event.fence = fence;
    return event;
  };
  const std::vector<store::TaskEvent> events = {said(0, "staging", 0), said(1, "staged", 0),
                                                said(2, "failed", 99)};
  EXPECT_TRUE(job->apply(0, events));
  auto step = next();
  ASSERT_TRUE(step);
  EXPECT_EQ(step->tasks.at(0).second.state, "staged") << "a stale worker's word does not count";
  write(std::move(*step));
  EXPECT_FALSE(job->apply(0, events));
  EXPECT_FALSE(next());
}

}  // namespace
}  // namespace rolesync::rollout
