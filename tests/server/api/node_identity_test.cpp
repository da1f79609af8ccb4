// SPDX-License-Identifier: Apache-2.0
// By what a node is known, and how that ends: rotation, joining again, revocation, deletion,
// clones.
#include <gtest/gtest.h>

#include <future>

#include "host/values/hash.hpp"
#include "simulated_agent.hpp"

namespace rolesync {
namespace {

class NodeIdentity : public ::testing::Test {
 protected:
  Reply join_token(const std::string& node, bool rejoin) {
    return server.post("/api/join-tokens", {{"node_id", node}, {"rejoin", rejoin}});
  }
  Reply join(const std::string& node, const Json& token) {
    return server.request("POST", "/api/join", {{"token", token}, {"node_id", node}});
  }
  // A new machine under a known name; its credential.
  std::string join_again(const std::string& node) {
    const Reply joined = join(node, join_token(node, true).body.at("token"));
    EXPECT_EQ(joined.status, 201) << joined.body;
    return joined.body.value("credential", "");
  }
  // A heartbeat with this credential.
  Reply beat(const std::string& node, const std::string& credential) {
    return server.request("POST", "/api/nodes/" + node + "/heartbeat",
                          {{"sequence", 1}, {"boot_id", "boot-1"}}, credential);
  }
  Reply introduce(const std::string& node, const std::string& as, const std::string& secret) {
    return server.request("POST", "/api/nodes/" + node + "/credential",
                          {{"credential_sha256", sha256_hex(secret)}}, as);
  }
  void restart() {
    server.stop();
    server.start();
  }
  Json node(const std::string& id) { return server.get("/api/nodes/" + id).body; }

  RunningServer server{[](ServerConfig& config) {
    config.node_late_seconds = 8;
    config.node_offline_seconds = 9;
  }};
};

TEST_F(NodeIdentity, ACredentialIsReplacedAndTheServerMayStopAfterEachStep) {
  SimulatedAgent agent(server, "n1");
  const std::string old = agent.credential, next = "rsn_" + std::string(64, 'a');
  EXPECT_FALSE(node("n1").at("credential").at("in_use_since").is_null());
  ASSERT_EQ(server.post("/api/nodes/n1/rotate-credential", Json::object()).status, 202);
  restart();
  EXPECT_FALSE(node("n1").at("credential").at("rotation_requested_at").is_null());
  const Json command = agent.command("rotate_credential");
  EXPECT_EQ(command.at("payload"), Json::object()) << "no secret in a command";
  agent.acknowledged = {command.at("id")};
  agent.beat();

  // Until the hash is known the new one is nobody's.
  EXPECT_EQ(introduce("n1", next, next).reason(), "invalid_token");
  EXPECT_EQ(introduce("n1", old, next).body.at("state"), "pending");
  restart();
  EXPECT_EQ(introduce("n1", old, next).body.at("state"), "pending") << "repeated";
  EXPECT_FALSE(node("n1").at("credential").at("next_made_at").is_null());
  EXPECT_LT(beat("n1", old).status, 300) << "the old one is good until the new one is used";
  EXPECT_EQ(introduce("n1", next, next).body.at("state"), "current");
  restart();
  EXPECT_LT(beat("n1", next).status, 300);
  EXPECT_EQ(beat("n1", old).reason(), "credential_replaced");
  EXPECT_EQ(introduce("n1", next, old).reason(), "credential_ended") << "no way back to an old one";
  const Json credential = node("n1").at("credential");
  EXPECT_TRUE(credential.at("next_made_at").is_null());
  EXPECT_TRUE(credential.at("rotation_requested_at").is_null());
}

TEST_F(NodeIdentity, ACredentialIsIntroducedByItsOwnNodeOnlyAndAsAHash) {
  SimulatedAgent one(server, "n1"), other(server, "n2");
  EXPECT_EQ(introduce("n1", other.credential, "x").reason(), "other_node");
  for (const char* bad : {"", "abc", "rsn_secret"}) {
    const Reply refused = server.request("POST", "/api/nodes/n1/credential",
                                         {{"credential_sha256", bad}}, one.credential);
    EXPECT_EQ(refused.status, 422) << bad;
  }
  EXPECT_EQ(server.post("/api/nodes/n9/rotate-credential", Json::object()).reason(),
            "unknown_node");
}

TEST_F(NodeIdentity, AKnownNameIsJoinedAgainOnlyWhenThatWasMeant) {
  const Json before = join_token("n1", false).body.at("token");
  EXPECT_EQ(join_token("n1", true).reason(), "unknown_node");
  SimulatedAgent agent(server, "n1");
  const Reply refused = join_token("n1", false);
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.reason(), "node_exists");
  // A token from before the name was taken is refused when it is used, and not used up.
  EXPECT_EQ(join("n1", before).reason(), "node_exists");
  EXPECT_LT(beat("n1", agent.credential).status, 300) << "nothing has changed for the node";

  server.put("/api/nodes/n1/roles", {{"roles", {"frontend"}}});
  const std::string again = join_again("n1");
  EXPECT_LT(beat("n1", agent.credential).status, 300) << "until the new machine speaks";
  EXPECT_LT(beat("n1", again).status, 300);
  EXPECT_EQ(beat("n1", agent.credential).reason(), "credential_replaced");
  EXPECT_EQ(server.get("/api/nodes/n1/roles").body.at("assigned"), Json({"frontend"}));
}

TEST_F(NodeIdentity, ARevokedNodeStaysKnownAndOnlyJoiningAgainLiftsIt) {
  SimulatedAgent agent(server, "n1");
  agent.beat();
  auto waiting = std::async(std::launch::async, [&] { return agent.beat(60); });
  ASSERT_TRUE(eventually([&] { return node("n1").at("state") == "online"; }));
  const Reply revoked = server.post("/api/nodes/n1/revoke", {{"reason", "stolen"}});
  EXPECT_EQ(revoked.body.at("state"), "revoked") << revoked.body;
  ASSERT_EQ(waiting.wait_for(std::chrono::seconds(30)), std::future_status::ready);
  const Reply dismissed = waiting.get();  // unless it came too late to wait
  EXPECT_EQ(dismissed.status, 401);
  EXPECT_EQ(dismissed.reason(), "node_revoked");

  restart();
  EXPECT_EQ(beat("n1", agent.credential).reason(), "node_revoked");
  EXPECT_EQ(introduce("n1", agent.credential, "x").reason(), "node_revoked");
  const Json shown = node("n1");
  EXPECT_EQ(shown.at("state"), "revoked");
  EXPECT_EQ(shown.at("revoked_reason"), "stolen");
  EXPECT_FALSE(shown.at("revoked_at").is_null());
  EXPECT_EQ(server.post("/api/nodes/n1/rotate-credential", Json::object()).reason(),
            "node_revoked");
  EXPECT_EQ(join_token("n1", false).reason(), "node_exists");

  const std::string again = join_again("n1");
  EXPECT_EQ(beat("n1", agent.credential).reason(), "node_revoked") << "the old one never again";
  EXPECT_LT(beat("n1", again).status, 300);
  EXPECT_NE(node("n1").at("state"), "revoked");
  EXPECT_TRUE(node("n1").at("revoked_at").is_null());
}

TEST_F(NodeIdentity, ADeletedNameMayBeGivenToAnotherMachineAndNothingLeaks) {
  SimulatedAgent old(server, "n1");
  server.put("/api/nodes/n1/roles", {{"roles", {"frontend"}}});
  old.report = {{"frontend",
                 {{"path_exists", true},
                  {"state", "active"},
                  {"content_id", "rs1:x"},
                  {"version", std::string(40, 'a')},
                  {"role_revision", "rr1:x"}}}};
  old.beat();
  ASSERT_EQ(node("n1").at("role_versions").size(), 1u);
  ASSERT_EQ(server.request("DELETE", "/api/nodes/n1").status, 204);
  EXPECT_EQ(server.get("/api/nodes/n1").status, 404);
  EXPECT_EQ(old.beat().reason(), "node_deleted");

  SimulatedAgent fresh(server, "n1");
  EXPECT_EQ(node("n1").at("role_versions"), Json::object());
  EXPECT_EQ(node("n1").at("roles"), Json::array());
  EXPECT_EQ(server.get("/api/nodes/n1/roles").body.at("assigned"), Json::array());
  restart();
  EXPECT_EQ(old.beat().reason(), "node_deleted") << "the old machine never speaks for the new one";
  EXPECT_EQ(node("n1").at("role_versions"), Json::object());
  EXPECT_LT(fresh.beat().status, 300);
}

TEST_F(NodeIdentity, ASecondProcessWithTheSameBootIsAClone) {
  SimulatedAgent agent(server, "n1");
  agent.instance = "one";
  SimulatedAgent copy = agent;
  copy.instance = "two";
  EXPECT_LT(agent.beat().status, 300);
  EXPECT_LT(copy.beat().status, 300) << "it may be the same machine, started again";
  EXPECT_TRUE(node("n1").at("clone").is_null());
  const Reply refused = agent.beat();
  EXPECT_EQ(refused.status, 409)
      << "one that was replaced does not come back, unless it is another";
  EXPECT_EQ(refused.reason(), "clone_detected");
  EXPECT_EQ(node("n1").at("clone").at("boot_id"), "boot-1");
  EXPECT_EQ(node("n1").at("clone").at("hostname"), "n1");
  EXPECT_LT(copy.beat().status, 300);

  // When the other one is silent the refused one is the node again, and there is no clone.
  EXPECT_TRUE(eventually([&] { return agent.beat().status < 300; }));
  EXPECT_TRUE(eventually([&] {
    agent.beat();
    return node("n1").at("clone").is_null();
  }));
}

}  // namespace
}  // namespace rolesync
