// SPDX-License-Identifier: Apache-2.0
// What is forgotten after its time, and that what stays is still whole.
#include "server/rollout/retention.hpp"

#include <gtest/gtest.h>

#include "server/store/audit.hpp"
#include "server/store/contents.hpp"
#include "server/store/events.hpp"
#include "server/store/jobs.hpp"
#include "server/store/plans.hpp"
#include "tests/server/store/temporary_store.hpp"

namespace rolesync::rollout {
namespace {

constexpr Millis day = Millis{24} * 3'600'000;
constexpr Millis now = 1'000 * day;

class RetentionTest : public store::StoreTest {
 protected:
  template <class F>
  auto write(F work) {
    return store().write(std::move(work));
  }
  template <class F>
  auto read(F work) {
    return store().read(std::move(work));
  }
  void forget() {
    const Status done = forget_old(store(), settings_, now, [] { return false; });
    EXPECT_TRUE(done) << done.error().text();
  }
  void add_job(const std::string& id, std::optional<Millis> finished_at) {
    const Status added = write([&](store::Session& s) -> Status {
      if (Status st = store::add_plan(s, {.hash = "plan", .created_at = now}); !st) return st;
      store::SyncJob job{.id = id, .plan_hash = "plan", .state = "succeeded", .created_at = 1};
      if (Status st = store::add_job(s, job); !st) return st;
      job.finished_at = finished_at;
      if (Status st = store::save_job(s, job); !st) return st;
      store::SyncTask task;
      task.id = id + "-task";
      task.job_id = id;
      task.node = "n1";
      task.role = "web";
      if (Status st = store::add_task(s, task); !st) return st;
      store::TaskEvent event;
      event.task_id = task.id;
      event.sequence = 1;
      if (const auto st = store::add_task_event(s, event); !st) return st.error();
      return store::add_approval(
          s, {.id = "approval-" + id, .plan_hash = "plan", .job_id = id, .approved_by = "me"});
    });
    ASSERT_TRUE(added) << added.error().text();
  }
  std::int64_t count(const std::string& table) {
    return read([&](store::Session& s) { return s.query("SELECT COUNT(*) FROM " + table); })
        ->at(0)
        .integer(0);
  }
  void add_audit(Millis at) {
    ASSERT_TRUE(write([&](store::Session& s) {
      return store::append_audit(s, {.at = at, .actor = "me", .action = "role.update"});
    }));
  }
  std::optional<std::int64_t> broken() {
    return read([](store::Session& s) { return store::check_audit(s); })->broken_at;
  }
  RetentionSettings settings_;
};

TEST_F(RetentionTest, EndedJobsGoWithAllThatIsTheirs) {
  settings_.jobs_days = 10;
  for (int i = 0; i < 45; ++i) add_job("old" + std::to_string(i), now - 11 * day);
  add_job("young", now - 9 * day);
  add_job("running", std::nullopt);
  forget();
  for (const char* table : {"sync_jobs", "sync_tasks", "task_events", "approvals"}) {
    EXPECT_EQ(count(table), 2) << table;
  }
  EXPECT_TRUE(read([](store::Session& s) { return store::find_job(s, "young"); }));
  EXPECT_TRUE(read([](store::Session& s) { return store::find_job(s, "running"); }));
}

TEST_F(RetentionTest, EventsGoByAgeAndByNumber) {
  const auto append = [&](Millis at) {
    ASSERT_TRUE(
        write([&](store::Session& s) { return store::append_event(s, {.at = at, .kind = "k"}); }));
  };
  settings_.events_days = 5;
  for (int i = 0; i < 6; ++i) append(now - (8 - i) * day);
  forget();
  EXPECT_EQ(*read([](store::Session& s) { return store::first_event(s); }), 4);
  settings_.most_events = 2;
  forget();
  EXPECT_EQ(*read([](store::Session& s) { return store::first_event(s); }), 5);
  settings_.events_days = 1;
  forget();
  EXPECT_EQ(*read([](store::Session& s) { return store::first_event(s); }), 0);
  EXPECT_EQ(*read([](store::Session& s) { return store::last_event(s); }), 6);
}

TEST_F(RetentionTest, TheAuditLogIsKeptForEverUnlessSaidOtherwise) {
  add_audit(1);
  forget();
  EXPECT_EQ(count("audit_log"), 1);
}

TEST_F(RetentionTest, ATruncatedAuditLogIsStillProvable) {
  settings_.audit_days = 10;
  for (int i = 0; i < 4; ++i) add_audit(now - 20 * day);
  for (int i = 0; i < 2; ++i) add_audit(now - day);
  forget();
  EXPECT_EQ(count("audit_log"), 3);  // two, and the one that tells
  EXPECT_FALSE(broken());
  const auto entries = read([](store::Session& s) {
    return store::list_audit(s, {.sort = "sequence", .descending = true});
  });
  EXPECT_EQ(entries->items.front().action, "audit.truncated");
  EXPECT_EQ(entries->items.back().sequence, 5);
  forget();
  EXPECT_EQ(count("audit_log"), 3);  // nothing more to forget, nothing more to tell
  add_audit(now);
  EXPECT_FALSE(broken());
}

TEST_F(RetentionTest, WhoeverCutsTheAuditLogIsFound) {
  for (int i = 0; i < 6; ++i) add_audit(now - (i < 3 ? 20 : 1) * day);
  ASSERT_TRUE(write(
      [](store::Session& s) { return s.execute("DELETE FROM audit_log WHERE sequence <= 2"); }));
  EXPECT_EQ(broken(), 1);  // the log does not begin where it says
  settings_.audit_days = 10;
  forget();
  EXPECT_EQ(broken(), std::nullopt);
  ASSERT_TRUE(write(
      [](store::Session& s) { return s.execute("DELETE FROM audit_log WHERE sequence = 4"); }));
  EXPECT_EQ(broken(), 4);  // more went than was told
}

TEST_F(RetentionTest, ClocksThatWerePutBackLoseNothingYoung) {
  settings_.audit_days = 10;
  add_audit(now - day);
  add_audit(now - 20 * day);
  forget();
  EXPECT_EQ(count("audit_log"), 2);
}

TEST_F(RetentionTest, TheCacheKeepsWhatARecentPlanNames) {
  const std::string first = "rs1:" + std::string(64, 'a'), second = "rs1:" + std::string(64, 'b');
  ASSERT_TRUE(write([&](store::Session& s) -> Status {
    if (Status st = store::add_plan(
            s, {.hash = "p1", .plan = R"({"rows":[{"to":")" + first + "\"}]}", .created_at = 10});
        !st) {
      return st;
    }
    return store::add_plan(s, {.hash = "p2", .plan = second, .created_at = 20});
  }));
  EXPECT_EQ(*read([](store::Session& s) { return store::live_contents(s, 11); }),
            std::vector<std::string>{second});
  EXPECT_EQ(*read([](store::Session& s) { return store::live_contents(s, 10); }),
            (std::vector<std::string>{first, second}));
}

}  // namespace
}  // namespace rolesync::rollout
