// SPDX-License-Identifier: Apache-2.0
// The agent's side of the protocol: join, the waiting heartbeat, commands, clones, definitions.
#include <gtest/gtest.h>

#include <future>

#include "simulated_agent.hpp"

namespace rolesync {
namespace {

class AgentProtocol : public ::testing::Test {
 protected:
  RunningServer server;
};

TEST_F(AgentProtocol, AHeartbeatMakesANodeOnline) {
  SimulatedAgent agent(server, "n1");
  EXPECT_EQ(server.get("/api/nodes/n1").body.at("state"), "offline");
  EXPECT_EQ(agent.beat().status, 200);  // the definitions are new to it
  EXPECT_EQ(agent.beat().status, 204);
  const Json node = server.get("/api/nodes/n1").body;
  EXPECT_EQ(node.at("state"), "online");
  EXPECT_EQ(node.at("hostname"), "n1");
  EXPECT_EQ(node.at("plugins").size(), 1u);
}

TEST_F(AgentProtocol, AWaitingHeartbeatIsWokenByAnAssignment) {
  SimulatedAgent agent(server, "n1");
  agent.beat();
  auto waiting = std::async(std::launch::async, [&] { return agent.beat(60); });
  EXPECT_EQ(server.put("/api/nodes/n1/roles", {{"roles", {"frontend"}}}).status, 200);
  ASSERT_EQ(waiting.wait_for(std::chrono::seconds(30)), std::future_status::ready);
  EXPECT_EQ(waiting.get().status, 200);
  const Reply definitions = agent.request("GET", "/api/roles/definitions");
  EXPECT_EQ(definitions.body.at("assigned"), Json({"frontend"}));
  EXPECT_EQ(definitions.body.at("etag"), agent.definitions_etag);
  EXPECT_EQ(server
                .request("GET", "/api/roles/definitions", Json(), agent.credential,
                         {{"If-None-Match", definitions.headers.at("etag")}})
                .status,
            304);
}

TEST_F(AgentProtocol, ANewerPollOfTheSameBootReplacesTheOlder) {
  SimulatedAgent agent(server, "n1");
  agent.beat();
  SimulatedAgent same = agent;  // the same identity and boot on another connection
  auto older = std::async(std::launch::async, [&] { return same.beat(60); });
  // The newer one repeats until the older has been answered; each poll replaces the one before.
  EXPECT_TRUE(eventually([&] {
    agent.beat(1);
    return older.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }));
  EXPECT_EQ(older.get().status, 204);
}

TEST_F(AgentProtocol, AnotherBootWhileOneWaitsIsAClone) {
  SimulatedAgent agent(server, "n1");
  agent.beat();
  SimulatedAgent clone = agent;
  clone.boot_id = "boot-2";
  auto waiting = std::async(std::launch::async, [&] { return agent.beat(60); });
  Reply refused;
  EXPECT_TRUE(eventually([&] {
    refused = clone.beat();
    // Until the first one waits, the other boot counts as a reboot.
    if (refused.status == 409) return true;
    return false;
  }));
  EXPECT_EQ(refused.reason(), "clone_detected");
  server.put("/api/nodes/n1/roles", {{"roles", {"frontend"}}});  // wakes the first
  EXPECT_EQ(waiting.get().status, 200);
}

TEST_F(AgentProtocol, PartsMayBeReplacedByTheirHash) {
  SimulatedAgent agent(server, "n1");
  agent.beat();
  const auto beat = [&](const std::string& hash) {
    return agent.request("POST", "/api/nodes/n1/heartbeat",
                         {{"sequence", 9},
                          {"boot_id", agent.boot_id},
                          {"definitions_etag", agent.definitions_etag},
                          {"os_info_hash", hash}});
  };
  const Reply unknown = beat("0000");
  ASSERT_EQ(unknown.status, 200);
  EXPECT_EQ(unknown.body.at("resend"), Json({"os_info"}));
  EXPECT_EQ(server.get("/api/nodes/n1").body.at("os_info").at("system"), "Linux");
}

TEST_F(AgentProtocol, AMisspeltPartIsRefused) {
  SimulatedAgent agent(server, "n1");
  const Reply refused =
      agent.request("POST", "/api/nodes/n1/heartbeat",
                    {{"sequence", 1}, {"boot_id", "b"}, {"role_reports", Json::object()}});
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.body.at("errors").at(0).at("pointer"), "/role_reports");
}

TEST_F(AgentProtocol, DriftIsShownWithinOneHeartbeat) {
  SimulatedAgent agent(server, "n1");
  server.put("/api/nodes/n1/roles", {{"roles", {"frontend"}}});
  agent.report = {{"frontend",
                   {{"path_exists", true},
                    {"state", "active"},
                    {"content_id", "rs1:x"},
                    {"version", std::string(40, 'a')},
                    {"role_revision", "rr1:x"},
                    {"drift", {{{"path", "index.html"}, {"kind", "changed"}}}},
                    {"drift_count", 1}}}};
  agent.beat();
  const Json cell = server.get("/api/status").body.at("cells").at(0);
  EXPECT_EQ(cell.at("version").at("state"), "drifted");
  EXPECT_EQ(cell.at("drift").at(0).at("path"), "index.html");
  EXPECT_EQ(server.get("/api/nodes/n1").body.at("role_versions").at("frontend"),
            std::string(40, 'a'));
}

}  // namespace
}  // namespace rolesync
