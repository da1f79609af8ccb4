// SPDX-License-Identifier: Apache-2.0
// Restart, start and stop without a sync, with a simulated agent: what is refused before anything
// starts, one order at a time, repetition, a server that goes away, a node that does.
#include <gtest/gtest.h>

#include "simulated_agent.hpp"

namespace rolesync {
namespace {

constexpr const char* restart_path = "/api/nodes/n1/roles/web/restart";

class RoleActionApi : public ::testing::Test {
 protected:
  void SetUp() override {
    server.put("/api/roles/web", {{"source_paths", {"web"}},
                                  {"target_path", "/srv/web"},
                                  {"restart_strategy", "systemd"},
                                  {"systemd_service", "web"}});
    server.put("/api/nodes/n1/roles", {{"roles", {"web"}}});
    report("active");
  }
  void report(const std::string& state) {
    agent.report = {{"web", {{"path_exists", true}, {"state", state}}}};
    agent.beat();
  }
  std::string refusal(const std::string& path) {
    return server.post(path, Json::object()).reason();
  }
  Json action(const Reply& ordered) {
    return server.get("/api/role-actions/" + ordered.body.at("action_id").get<std::string>()).body;
  }
  Json commands() {
    const Reply reply = agent.beat();
    return reply.status == 204 ? Json::array() : reply.body.at("commands");
  }
  RunningServer server;
  SimulatedAgent agent{server, "n1"};
};

TEST_F(RoleActionApi, ARestartIsOrderedFollowedAndTold) {
  const Reply ordered = server.post(restart_path, Json::object());
  ASSERT_EQ(ordered.status, 202) << ordered.body;
  const std::string id = ordered.body.at("action_id");
  EXPECT_EQ(ordered.headers.at("location"), "/api/role-actions/" + id);
  EXPECT_EQ(ordered.body.at("state"), "pending");
  const Json command = agent.command("control");
  EXPECT_EQ(command.at("payload").at("action"), "restart");
  EXPECT_EQ(command.at("payload").at("role").at("systemd_service"), "web");
  agent.acknowledged = {command.at("id")};
  EXPECT_EQ(agent.event(command, 1, "restarting", {{"step", "restart"}}).status, 200);
  EXPECT_EQ(action(ordered).at("state"), "restarting");
  EXPECT_EQ(agent
                .event(command, 3, "failed",
                       {{"reason", "service_crashes"}, {"message", "exit status 3"}})
                .status,
            200);
  // What comes late, from before or after the end, changes nothing.
  EXPECT_EQ(agent.event(command, 2, "checking").status, 200);
  EXPECT_EQ(agent.event(command, 4, "succeeded").status, 200);
  const Json done = action(ordered);
  EXPECT_EQ(done.at("state"), "failed") << done;
  EXPECT_EQ(done.at("reason"), "service_crashes");
  EXPECT_EQ(done.at("message"), "exit status 3");
  EXPECT_TRUE(done.at("finished_at").is_string());
  EXPECT_EQ(server.get("/api/role-actions?node=n1&role=web").body.at("actions").size(), 1u);
  EXPECT_EQ(server.get("/api/role-actions?node=other").body.at("actions").size(), 0u);
  EXPECT_EQ(server.post("/api/nodes/n1/roles/web/stop", Json::object()).status, 202);
}

TEST_F(RoleActionApi, WhatIsRefusedBeforeAnythingStarts) {
  EXPECT_EQ(refusal("/api/nodes/n9/roles/web/restart"), "unknown_node");
  EXPECT_EQ(refusal("/api/nodes/n1/roles/nothing/restart"), "unknown_role");
  EXPECT_EQ(refusal("/api/nodes/n1/roles/frontend/restart"), "role_not_on_node");
  EXPECT_EQ(server.get("/api/role-actions/act_x").reason(), "unknown_action");
  EXPECT_EQ(server.post(restart_path, {{"force", true}}).status, 422);
  report("not_installed");
  EXPECT_EQ(refusal(restart_path), "role_not_installed");
  report("inactive");
  const Json no_service = {
      {"source_paths", {"web"}}, {"target_path", "/srv/web"}, {"restart_strategy", "none"}};
  server.put("/api/roles/quiet", no_service);
  server.put("/api/nodes/n1/roles", {{"roles", {"quiet"}}});
  agent.report = {{"quiet", {{"path_exists", true}, {"state", "active"}}}};
  agent.beat();
  EXPECT_EQ(refusal("/api/nodes/n1/roles/quiet/restart"), "no_service");
  const std::string reader = server.new_token({"read"});
  EXPECT_EQ(server.request("POST", restart_path, Json::object(), reader).reason(), "scope_missing");
  EXPECT_TRUE(commands().empty());
}

TEST_F(RoleActionApi, OneAtATimeAndARepetitionIsOne) {
  const std::map<std::string, std::string> key = {{"Idempotency-Key", "again"}};
  const Reply first = server.request("POST", restart_path, Json::object(), "", key);
  ASSERT_EQ(first.status, 202) << first.body;
  const Reply repeated = server.request("POST", restart_path, Json::object(), "", key);
  EXPECT_EQ(repeated.status, 202);
  EXPECT_EQ(repeated.body.at("action_id"), first.body.at("action_id"));
  EXPECT_EQ(refusal(restart_path), "action_in_progress");
  EXPECT_EQ(refusal("/api/nodes/n1/roles/web/stop"), "action_in_progress");
  const Json command = agent.command("control");
  agent.event(command, 1, "succeeded");
  // Its end does not make it another request.
  EXPECT_EQ(server.request("POST", restart_path, Json::object(), "", key).body.at("action_id"),
            first.body.at("action_id"));
  const Reply next = server.post(restart_path, Json::object());
  EXPECT_EQ(next.status, 202);
  agent.acknowledged = {command.at("id")};
  EXPECT_GT(agent.command("control").at("fence"), command.at("fence"));
}

TEST_F(RoleActionApi, OfAnotherNodeNothingIsBelieved) {
  const Reply ordered = server.post(restart_path, Json::object());
  const Json command = agent.command("control");
  SimulatedAgent other(server, "n2");
  EXPECT_EQ(other.event(command, 1, "succeeded").reason(), "task_of_other_node");
  EXPECT_EQ(action(ordered).at("state"), "pending");
}

TEST_F(RoleActionApi, ItSurvivesTheServer) {
  const Reply ordered = server.post(restart_path, Json::object());
  server.stop();
  server.start();
  EXPECT_EQ(action(ordered).at("state"), "pending");
  const Json command = agent.command("control");
  EXPECT_EQ(agent.event(command, 1, "succeeded").status, 200);
  EXPECT_EQ(action(ordered).at("state"), "succeeded");
}

TEST(RoleActionOfAGoneNode, EndsAndIsNotDoneLater) {
  RunningServer server([](ServerConfig& config) { config.node_gone_seconds = 1; });
  SimulatedAgent agent(server, "n1");
  server.put("/api/roles/web", {{"source_paths", {"web"}},
                                {"target_path", "/srv/web"},
                                {"restart_strategy", "systemd"},
                                {"systemd_service", "web"}});
  server.put("/api/nodes/n1/roles", {{"roles", {"web"}}});
  agent.report = {{"web", {{"path_exists", true}, {"state", "active"}}}};
  agent.beat();
  const Reply ordered = server.post(restart_path, Json::object());
  ASSERT_EQ(ordered.status, 202) << ordered.body;
  const std::string path = "/api/role-actions/" + ordered.body.at("action_id").get<std::string>();
  EXPECT_TRUE(eventually([&] { return server.get(path).body.at("state") == "failed"; }));
  EXPECT_EQ(server.get(path).body.at("reason"), "node_gone");
  const Reply quiet = agent.beat();
  EXPECT_TRUE(quiet.status == 204 || quiet.body.at("commands").empty()) << quiet.body;
}

}  // namespace
}  // namespace rolesync
