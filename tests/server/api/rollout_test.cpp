// SPDX-License-Identifier: Apache-2.0
// Rollouts over the API, with several simulated agents: batches, canaries, budgets, what operators
// do meanwhile, and a server that goes away in between.
#include <gtest/gtest.h>

#include "simulated_agent.hpp"

namespace rolesync {
namespace {

class RolloutApi : public ::testing::Test {
 protected:
  void SetUp() override {
    server.commit({{"web/index.html", "one"}});
    server.put(
        "/api/roles/web",
        {{"source_paths", {"web"}}, {"target_path", "/srv/web"}, {"restart_strategy", "none"}});
    server.put("/api/code-source",
               {{"transport", "file"}, {"repository", server.repository().string()}});
    for (SimulatedAgent* agent : agents) {
      agent->report = {{"web", {{"path_exists", false}, {"state", "not_installed"}}}};
      agent->beat();
      server.put("/api/nodes/" + agent->node + "/roles", {{"roles", {"web"}}});
    }
    ASSERT_EQ(server.post("/api/code-sync/pull", Json::object()).status, 200);
  }

  std::string plan() {
    return server.post("/api/code-sync/plan", {{"roles", {"web"}}}).body.at("plan_hash");
  }
  void start(const Json& rollout, const char* on_failure = "stop") {
    const Reply started =
        server.post("/api/code-sync/sync",
                    {{"plan_hash", plan()}, {"rollout", rollout}, {"on_failure", on_failure}});
    ASSERT_EQ(started.status, 202) << started.body;
    id = started.body.at("job_id");
  }
  // Every agent has staged.
  void stage() {
    for (SimulatedAgent* agent : agents) {
      const Json command = agent->command("stage");
      agent->event(command, 1, "staged");
      agent->acknowledged.push_back(command.at("id"));
    }
  }
  Json job() { return server.get("/api/sync-jobs/" + id).body; }
  std::string state() { return job().at("state"); }
  std::string reason() { return job().at("reason"); }
  std::string state_of(const std::string& node) {
    const Json whole = job();
    for (const Json& task : whole.at("tasks")) {
      if (task.at("node_id") == node) return task.at("state");
    }
    return "";
  }
  Reply act(const std::string& word, const Json& body = Json::object()) {
    return server.post("/api/sync-jobs/" + id + "/" + word, body);
  }
  void restart() {
    server.stop();
    server.start();
  }
  void finish(SimulatedAgent& agent, const std::string& end = "succeeded") {
    const Json command = agent.command("activate");
    agent.event(command, 2, end, {{"reason", end == "succeeded" ? "" : "health_failed"}});
    agent.acknowledged.push_back(command.at("id"));
  }

  RunningServer server;
  SimulatedAgent a{server, "a"}, b{server, "b"}, c{server, "c"};
  std::vector<SimulatedAgent*> agents = {&a, &b, &c};
  std::string id;
};

TEST_F(RolloutApi, OneNodeAfterTheOther) {
  start({{"batches", {"1"}}});
  stage();
  EXPECT_EQ(state_of("a"), "activating");
  EXPECT_EQ(state_of("b"), "staged");
  finish(a);
  EXPECT_EQ(state_of("b"), "activating");
  EXPECT_EQ(state_of("c"), "staged");
  finish(b);
  finish(c);
  EXPECT_EQ(state(), "succeeded");
}

TEST_F(RolloutApi, CanariesWaitForPromotion) {
  start({{"canaries", "1"}});
  stage();
  EXPECT_EQ(act("promote").body.at("reason"), "nothing_to_promote");
  finish(a);
  EXPECT_EQ(state(), "paused");
  EXPECT_EQ(reason(), "awaiting_promotion");
  const Reply promoted = act("promote");
  EXPECT_EQ(promoted.status, 202) << promoted.body;
  EXPECT_EQ(state_of("b"), "activating");
  finish(b);
  finish(c);
  EXPECT_EQ(state(), "succeeded");
}

TEST_F(RolloutApi, CanariesByLabelSurviveARestartOfTheServer) {
  ASSERT_EQ(server.put("/api/nodes/c/labels", {{"labels", {{"ring", "canary"}}}}).status, 200);
  start({{"canary_labels", {{"ring", "canary"}}}});
  stage();
  EXPECT_EQ(state_of("c"), "activating");
  EXPECT_EQ(state_of("a"), "staged");
  restart();
  finish(c);
  EXPECT_EQ(reason(), "awaiting_promotion");
  restart();
  EXPECT_EQ(act("promote").status, 202);
  finish(a);
  finish(b);
  EXPECT_EQ(state(), "succeeded");
}

TEST_F(RolloutApi, TheBudgetStopsTheRest) {
  start({{"batches", {"1"}}, {"max_failed", "1"}});
  stage();
  finish(a, "rolled_back");
  finish(b, "rolled_back");
  EXPECT_EQ(state_of("c"), "cancelled");
  EXPECT_EQ(state(), "rolled_back");
  EXPECT_EQ(act("resume").body.at("reason"), "job_ended");
}

TEST_F(RolloutApi, AskPausesAndAnOperatorGoesOnAlsoAfterARestart) {
  start({{"batches", {"1"}}}, "ask");
  stage();
  finish(a, "rolled_back");
  EXPECT_EQ(state(), "paused");
  EXPECT_EQ(reason(), "failure_budget");
  EXPECT_EQ(act("resume").status, 202);
  EXPECT_EQ(state_of("b"), "activating");
  restart();
  finish(b);
  finish(c);
  EXPECT_EQ(state(), "partly_failed");
}

TEST_F(RolloutApi, PauseAndSkip) {
  start({{"batches", {"1"}}});
  stage();
  EXPECT_EQ(act("pause").status, 202);
  restart();
  finish(a);
  EXPECT_EQ(reason(), "paused");
  EXPECT_EQ(act("skip", {{"node", "b"}}).status, 202);
  EXPECT_EQ(act("skip", {{"node", "b"}}).body.at("reason"), "task_has_begun");
  EXPECT_EQ(act("skip", {{"node", "zz"}}).status, 404);
  EXPECT_EQ(act("skip").status, 422);
  EXPECT_EQ(act("resume").status, 202);
  finish(c);
  EXPECT_EQ(state(), "partly_failed");
  EXPECT_EQ(state_of("b"), "skipped");
}

TEST_F(RolloutApi, WhatBrokeARolloutIsHeldFromAutomaticRuns) {
  start(Json::object());
  stage();
  finish(a, "rolled_back");
  finish(b);
  finish(c);
  EXPECT_EQ(state(), "partly_failed");
  const Json held = server.get("/api/held-contents").body.at("held_contents");
  ASSERT_EQ(held.size(), 1U);
  EXPECT_EQ(held.at(0).at("role_name"), "web");
  EXPECT_EQ(held.at(0).at("job_id"), id);
  const Json planned = server.post("/api/code-sync/plan", {{"nodes", {"a"}}}).body;
  EXPECT_EQ(planned.at("held").size(), 1U) << planned;

  server.put("/api/schedules/s", {{"cron", "@yearly"}, {"target_nodes", {"a"}}});
  server.post("/api/schedules/s/run", Json::object());
  EXPECT_EQ(server.get("/api/schedules/s").body.at("outcome"), "failed");
  EXPECT_EQ(server.request("DELETE", "/api/held-contents/web").status, 204);
  EXPECT_EQ(server.request("DELETE", "/api/held-contents/web").reason(), "nothing_held");
  server.post("/api/schedules/s/run", Json::object());
  EXPECT_EQ(server.get("/api/schedules/s").body.at("outcome"), "started");
}

TEST_F(RolloutApi, AFailureBeforeTheSwitchIsNotTheContentsFault) {
  start(Json::object());
  const Json command = a.command("stage");
  a.event(command, 1, "failed", {{"reason", "disk_full"}});
  EXPECT_EQ(state(), "failed");
  EXPECT_TRUE(server.get("/api/held-contents").body.at("held_contents").empty());
}

TEST_F(RolloutApi, WhatMakesNoSenseIsRefusedByItsPlace) {
  const auto pointer = [this](const Json& rollout) -> std::string {
    const Reply refused =
        server.post("/api/code-sync/sync", {{"plan_hash", plan()}, {"rollout", rollout}});
    EXPECT_EQ(refused.status, 422) << refused.body;
    return refused.body.at("errors").at(0).at("pointer");
  };
  EXPECT_EQ(pointer({{"batches", {"1", "x"}}}), "/rollout/batches/1");
  EXPECT_EQ(pointer({{"batches", {"0"}}}), "/rollout/batches/0");
  EXPECT_EQ(pointer({{"max_failed", "101%"}}), "/rollout/max_failed");
  EXPECT_EQ(pointer({{"max_failed", 3}}), "/rollout/max_failed");
  EXPECT_EQ(pointer({{"promote_after_seconds", 3}}), "/rollout/promote_after_seconds");
  EXPECT_EQ(pointer({{"max_failed_per_group", "1"}}), "/rollout/max_failed_per_group");
  EXPECT_EQ(pointer({{"canaries", "1"}, {"canary_labels", {{"a", "b"}}}}), "/rollout/canaries");
  EXPECT_EQ(pointer({{"speed", 3}}), "/rollout/speed");
}

}  // namespace
}  // namespace rolesync
