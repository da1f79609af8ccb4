// SPDX-License-Identifier: Apache-2.0
// Jobs that wait until others have approved them: by policy, and by a schedule.
#include <gtest/gtest.h>

#include "simulated_agent.hpp"

namespace rolesync {
namespace {

class Approvals : public ::testing::Test {
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
    pull();
    for (const char* name : {"ada", "bob", "cleo"}) {
      const Reply made =
          server.post("/api/tokens", {{"name", name}, {"scopes", {"read", "sync", "approve"}}});
      ASSERT_EQ(made.status, 201);
      people[name] = made.body.at("token");
    }
  }
  void pull() { ASSERT_EQ(server.post("/api/code-sync/pull", Json::object()).status, 200); }
  void policy(const Json& fields) {
    const Reply made = server.put("/api/approval-policies/p", fields);
    ASSERT_TRUE(made.status == 201 || made.status == 200) << made.body;
  }
  Reply ask(const std::string& who, const Json& more = Json::object()) {
    const Reply planned = server.post("/api/code-sync/plan", {{"roles", {"web"}}});
    Json body = {{"plan_hash", planned.body.at("plan_hash")}};
    body.update(more);
    return server.request("POST", "/api/code-sync/sync", body, people.at(who));
  }
  Reply approve(const Json& id, const std::string& who) {
    return server.request("POST", "/api/sync-jobs/" + id.get<std::string>() + "/approve",
                          {{"comment", "seen"}}, people.at(who));
  }
  static bool started(const Reply& reply) {
    const std::string state = reply.body.value("state", "");
    return reply.status == 202 && (state == "pending" || state == "running");
  }
  Json job(const Json& id) { return server.get("/api/sync-jobs/" + id.get<std::string>()).body; }

  RunningServer server;
  SimulatedAgent agent{server, "n1"};
  std::map<std::string, std::string> people;
};

TEST_F(Approvals, AJobWaitsForSoManyOthersAndThenRuns) {
  policy({{"roles", {"web"}}, {"approvals", 2}});
  const Reply asked = ask("ada");
  ASSERT_EQ(asked.status, 202) << asked.body;
  const Json id = asked.body.at("job_id");
  EXPECT_EQ(asked.body.at("state"), "awaiting_approval");
  EXPECT_EQ(asked.body.at("roles"), Json({"web"}));
  EXPECT_EQ(asked.body.at("approval").at("required").at(0).at("approvals"), 2);
  const Json beaten = agent.beat().body;
  EXPECT_TRUE(!beaten.is_object() || beaten.value("commands", Json::array()).empty()) << beaten;
  EXPECT_EQ(approve(id, "ada").reason(), "approval_by_requester");
  EXPECT_EQ(approve(id, "bob").body.at("state"), "awaiting_approval");
  EXPECT_EQ(approve(id, "bob").body.at("state"), "awaiting_approval") << "once is once";
  EXPECT_EQ(job(id).at("approvals").size(), 1u);
  server.stop();
  server.start();
  EXPECT_EQ(job(id).at("state"), "awaiting_approval") << "a restart starts nothing";
  EXPECT_TRUE(started(approve(id, "cleo")));
  EXPECT_EQ(approve(id, "cleo").reason(), "job_not_waiting");
  agent.finish_task("web");
  EXPECT_EQ(job(id).at("state"), "succeeded");
  EXPECT_EQ(job(id).at("approval"), nullptr);
  const Json audited = server.get("/api/audit?subject=job/" + id.get<std::string>()).body;
  std::vector<std::string> actions;
  for (const Json& entry : audited.at("entries")) actions.push_back(entry.at("action"));
  EXPECT_EQ(actions, (std::vector<std::string>{"sync.start", "sync.approve", "sync.approve",
                                               "sync.request"}));
}

TEST_F(Approvals, OnlyThoseThatThePolicyNamesCount) {
  policy({{"labels", {{"site", "berlin"}}}, {"approvers", {"bob"}}});
  EXPECT_TRUE(started(ask("ada"))) << "it is about other nodes";
  agent.finish_task("web");
  server.put("/api/nodes/n1/labels", {{"labels", {{"site", "berlin"}}}});
  server.commit({{"web/index.html", "two"}});
  pull();
  const Json id = ask("ada").body.at("job_id");
  EXPECT_EQ(approve(id, "cleo").reason(), "not_an_approver");
  EXPECT_TRUE(started(approve(id, "bob")));
}

TEST_F(Approvals, WhatHasChangedMeanwhileEndsIt) {
  policy(Json::object());
  const Json id = ask("ada").body.at("job_id");
  server.put(
      "/api/roles/web",
      {{"source_paths", {"web"}}, {"target_path", "/srv/other"}, {"restart_strategy", "none"}});
  EXPECT_EQ(approve(id, "bob").reason(), "plan_stale");
  EXPECT_EQ(job(id).at("state"), "failed");
  EXPECT_EQ(job(id).at("reason"), "plan_stale");
}

TEST_F(Approvals, WhatIsWantedOfARunningJobDoesNotBeginAWaitingOne) {
  policy(Json::object());
  const Json id = ask("ada").body.at("job_id");
  const std::string path = "/api/sync-jobs/" + id.get<std::string>();
  for (const char* word : {"/pause", "/resume"}) {
    EXPECT_EQ(server.post(path + word, Json::object()).reason(), "job_waits_for_approval") << word;
  }
  EXPECT_EQ(job(id).at("state"), "awaiting_approval");
}

TEST_F(Approvals, AFreezeKeepsItWaitingAndItMayBeCalledOff) {
  policy(Json::object());
  const Json id = ask("ada").body.at("job_id");
  const Json freeze = server.post("/api/freezes", {{"reason", "feast"}}).body.at("id");
  EXPECT_EQ(approve(id, "bob").reason(), "frozen");
  EXPECT_EQ(job(id).at("state"), "awaiting_approval");
  server.request("DELETE", "/api/freezes/" + freeze.get<std::string>());
  EXPECT_TRUE(started(approve(id, "bob"))) << "it was approved already";
  agent.finish_task("web");
  server.commit({{"web/index.html", "two"}});
  pull();
  const Json other = ask("ada").body.at("job_id");
  const std::string path = "/api/sync-jobs/" + other.get<std::string>();
  EXPECT_EQ(server.post(path + "/cancel", Json::object()).body.at("state"), "cancelled");
  EXPECT_EQ(approve(other, "bob").reason(), "job_not_waiting");
}

TEST_F(Approvals, ASchedulesJobWaitsForAPerson) {
  ASSERT_EQ(
      server.put("/api/schedules/nightly", {{"cron", "@yearly"}, {"approval", "required"}}).status,
      201);
  const auto run = [&] { return server.post("/api/schedules/nightly/run", Json::object()).body; };
  const Json first = run();
  EXPECT_EQ(first.at("outcome"), "waits_for_approval");
  const Json second = run();
  EXPECT_EQ(job(first.at("last_job_id")).at("reason"), "superseded");
  EXPECT_TRUE(started(approve(second.at("last_job_id"), "bob")));
  agent.finish_task("web");
  EXPECT_EQ(run().at("outcome"), "nothing_to_do");
}

TEST_F(Approvals, PoliciesAreChecked) {
  const auto refused = [&](const Json& fields) {
    const Reply reply = server.put("/api/approval-policies/p", fields);
    EXPECT_EQ(reply.status, 422) << reply.body;
  };
  refused({{"approvals", 0}});
  refused({{"approvals", 2}, {"approvers", {"ada"}}});
  refused({{"people", {"ada"}}});
  policy(Json::object());
  EXPECT_EQ(server.raw("PUT", "/api/approval-policies/p", "{}", server.admin_token()).status, 428);
  EXPECT_EQ(server
                .raw("PUT", "/api/approval-policies/p", "{}", server.admin_token(),
                     {{"If-Match", "\"7\""}})
                .status,
            412);
  EXPECT_EQ(server.get("/api/approval-policies").body.at("approval_policies").size(), 1u);
  EXPECT_EQ(server.request("DELETE", "/api/approval-policies/p").status, 204);
  EXPECT_EQ(server.get("/api/approval-policies/p").reason(), "unknown_approval_policy");
}

}  // namespace
}  // namespace rolesync
