// SPDX-License-Identifier: Apache-2.0
// Schedules and freezes over the API: what starts, what waits, what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/store/schedules.hpp"
#include "server/store/store.hpp"
#include "simulated_agent.hpp"

namespace rolesync {
namespace {

Millis now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

class ScheduleApi : public ::testing::Test {
 protected:
  void SetUp() override {
    server.commit({{"web/index.html", "one"}});
    server.put(
        "/api/roles/web",
        {{"source_paths", {"web"}}, {"target_path", "/srv/web"}, {"restart_strategy", "none"}});
    server.put("/api/code-source",
               {{"transport", "file"}, {"repository", server.repository().string()}});
    agent.report = {{"web", {{"path_exists", false}, {"state", "not_installed"}}}};
    agent.beat();
    server.put("/api/nodes/n1/roles", {{"roles", {"web"}}});
    ASSERT_EQ(server.post("/api/code-sync/pull", Json::object()).status, 200);
  }
  Reply put(const Json& fields) { return server.put("/api/schedules/nightly", fields); }
  Json schedule() { return server.get("/api/schedules/nightly").body; }
  Reply run() { return server.post("/api/schedules/nightly/run", Json::object()); }
  std::string outcome() { return schedule().value("outcome", Json("")).dump(); }
  // As if the server had been away since then.
  void away_since(const char* since) {
    server.stop();
    {
      const auto store = server.open_store();
      const Status set = store->write([&](store::Session& session) {
        return store::status_of(session.execute("UPDATE update_schedules SET considered_at = ?",
                                                {*from_rfc3339(since)}));
      });
      ASSERT_TRUE(set);
    }
    server.start();
    agent.beat();
  }
  std::vector<Json> jobs() {
    const Json list = server.get("/api/sync-jobs").body.at("jobs");
    return {list.begin(), list.end()};
  }
  RunningServer server;
  SimulatedAgent agent{server, "n1"};
};

TEST_F(ScheduleApi, SaysWhatIsWrongWithEachField) {
  const Reply refused = put({{"cron", "61 * * * *"},
                             {"time_zone", "Nowhere/Land"},
                             {"windows", {"mon 22-23"}},
                             {"target_labels", {{"Rack", "a"}}},
                             {"options", {{"restart", "often"}, {"speed", 3}}},
                             {"colour", "red"}});
  EXPECT_EQ(refused.status, 422);
  std::set<std::string> pointers;
  for (const Json& error : refused.body.at("errors")) pointers.insert(error.at("pointer"));
  EXPECT_THAT(pointers,
              testing::IsSupersetOf({"/cron", "/time_zone", "/windows/0", "/target_labels/Rack",
                                     "/options/restart", "/options/speed", "/colour"}));
  EXPECT_EQ(put({{"cron", "@daily"}, {"target_roles", {"nobody"}}}).reason(), "unknown_role");
  EXPECT_EQ(server.get("/api/schedules/nightly").status, 404);
}

TEST_F(ScheduleApi, IsCreatedEditedAndRemovedWithoutLosingAnybodysEdit) {
  const Reply made = put({{"cron", "30 2 * * *"}, {"time_zone", "Europe/Berlin"}});
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.body.at("next_runs").size(), 5u);
  const std::string etag = made.headers.at("etag");
  EXPECT_EQ(put({{"cron", "@hourly"}}).status, 200);
  EXPECT_EQ(
      server
          .request("PUT", "/api/schedules/nightly", {{"cron", "@daily"}}, "", {{"If-Match", etag}})
          .status,
      412);
  EXPECT_EQ(schedule().at("cron"), "@hourly");
  EXPECT_EQ(server.post("/api/schedules/nightly/pause", Json::object()).body.at("enabled"), false);
  EXPECT_TRUE(schedule().at("next_runs").empty());
  EXPECT_EQ(server.request("DELETE", "/api/schedules/nightly").status, 204);
  EXPECT_EQ(server.get("/api/schedules").body.at("schedules").size(), 0u);
}

TEST_F(ScheduleApi, RunNowSyncsItsTargetsOnce) {
  put({{"cron", "@yearly"}, {"target_roles", {"web"}}});
  const Reply ran = run();
  ASSERT_EQ(ran.status, 202) << ran.body;
  EXPECT_EQ(ran.body.at("outcome"), "started") << ran.body;
  const std::string job = ran.body.at("last_job_id");
  EXPECT_EQ(ran.headers.at("location"), "/api/sync-jobs/" + job);
  EXPECT_EQ(run().body.at("outcome"), "overlaps");
  agent.finish_task("web");
  EXPECT_EQ(server.get("/api/sync-jobs/" + job).body.at("state"), "succeeded");
  EXPECT_EQ(run().body.at("outcome"), "nothing_to_do");
  EXPECT_EQ(jobs().size(), 1u);
}

TEST_F(ScheduleApi, ManyMissedTimesAreMadeUpForByOneRun) {
  put({{"cron", "@hourly"}});
  away_since("2026-01-01T00:00:00Z");
  ASSERT_TRUE(eventually([&] { return outcome() == "\"started\""; })) << schedule();
  EXPECT_EQ(jobs().size(), 1u);
  EXPECT_EQ(jobs().front().at("created_by"), "schedule nightly");
  agent.finish_task("web");
  server.stop();
  server.start();
  EXPECT_EQ(jobs().size(), 1u);
}

TEST_F(ScheduleApi, ATimeOutsideOfItsWindowsWaits) {
  // A window of one minute that is over for today or far away at any time of day.
  const Millis soon = now_ms() + Millis{12} * 3'600'000;
  const std::string clock = to_rfc3339(soon).substr(11, 5);
  const std::string end = to_rfc3339(soon + 60'000).substr(11, 5);
  put({{"cron", "@hourly"}, {"windows", {clock + "-" + end}}});
  away_since("2026-01-01T00:00:00Z");
  ASSERT_TRUE(eventually([&] { return outcome() == "\"waits_for_window\""; })) << schedule();
  EXPECT_FALSE(schedule().at("due_at").is_null());
  EXPECT_TRUE(jobs().empty());
  EXPECT_EQ(run().body.at("outcome"), "started");  // by hand, windows do not count
}

TEST_F(ScheduleApi, LabelsSelectNodes) {
  put({{"cron", "@yearly"}, {"target_labels", {{"rack", "b"}}}});
  EXPECT_EQ(server.put("/api/nodes/n1/labels", {{"labels", {{"rack", "a"}}}}).status, 200);
  EXPECT_EQ(run().body.at("outcome"), "nothing_to_do");
  server.put("/api/nodes/n1/labels", {{"labels", {{"rack", "b"}}}});
  EXPECT_EQ(server.get("/api/nodes/n1").body.at("labels").at("rack"), "b");
  EXPECT_EQ(run().body.at("outcome"), "started");
  EXPECT_EQ(server.put("/api/nodes/n1/labels", Json::object()).status, 422);
  EXPECT_EQ(server.put("/api/nodes/n2/labels", {{"labels", Json::object()}}).status, 404);
}

TEST_F(ScheduleApi, AFreezeStopsSchedulesAndPeople) {
  const Reply frozen = server.post("/api/freezes", {{"reason", "the big sale"}});
  ASSERT_EQ(frozen.status, 201) << frozen.body;
  EXPECT_EQ(frozen.body.at("state"), "active");
  put({{"cron", "@hourly"}});
  EXPECT_EQ(run().body.at("outcome"), "waits_for_freeze");
  const Json plan = server.post("/api/code-sync/plan", Json::object()).body;
  EXPECT_EQ(plan.at("freezes").at(0).at("rows"), 1);
  const Reply refused = server.post("/api/code-sync/sync", {{"plan_hash", plan.at("plan_hash")}});
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.reason(), "frozen");
  EXPECT_THAT(refused.body.at("detail").get<std::string>(), testing::HasSubstr("the big sale"));

  away_since("2026-01-01T00:00:00Z");
  ASSERT_TRUE(eventually([&] { return outcome() == "\"waits_for_freeze\""; })) << schedule();
  const std::string path = "/api/freezes/" + frozen.body.at("id").get<std::string>();
  EXPECT_EQ(server.request("DELETE", path).status, 204);
  EXPECT_TRUE(eventually([&] { return outcome() == "\"started\""; })) << schedule();
  EXPECT_EQ(server.request("DELETE", path).reason(), "freeze_over");
}

TEST_F(ScheduleApi, AFreezeIsOverriddenWithAReasonByWhoMayApprove) {
  server.post("/api/freezes", {{"reason", "the big sale"}, {"roles", {"web"}}});
  const Json plan = server.post("/api/code-sync/plan", Json::object()).body;
  const Json request{{"plan_hash", plan.at("plan_hash")}, {"override_freeze", "the site is down"}};
  const std::string syncer = server.new_token({"read", "sync"});
  EXPECT_EQ(server.request("POST", "/api/code-sync/sync", request, syncer).status, 403);
  const std::string approver = server.new_token({"read", "sync", "approve"});
  EXPECT_EQ(server.request("POST", "/api/code-sync/sync", request, approver).status, 202);
}

TEST_F(ScheduleApi, AFreezeOfOthersIsNoObstacle) {
  server.post("/api/freezes", {{"reason", "x"}, {"nodes", {"n2"}}});
  server.post("/api/freezes", {{"reason", "x"}, {"labels", {{"rack", "z"}}}});
  server.post("/api/freezes", {{"reason", "x"}, {"starts_at", "2999-01-01T00:00:00Z"}});
  put({{"cron", "@yearly"}});
  EXPECT_EQ(run().body.at("outcome"), "started");
  const Reply bad = server.post("/api/freezes", {{"ends_at", "2020-01-01T00:00:00Z"}});
  EXPECT_EQ(bad.status, 422);
  EXPECT_EQ(bad.body.at("errors").size(), 2u) << bad.body;
}

TEST_F(ScheduleApi, Preview) {
  const Reply times =
      server.get("/api/schedule-preview?cron=0%2012%20*%20*%20*&time_zone=Europe%2FBerlin&count=2");
  ASSERT_EQ(times.status, 200) << times.body;
  EXPECT_EQ(times.body.at("next_runs").size(), 2u);
  EXPECT_EQ(server.get("/api/schedule-preview?cron=bad").reason(), "invalid_cron");
}

}  // namespace
}  // namespace rolesync
