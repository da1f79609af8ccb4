// SPDX-License-Identifier: Apache-2.0
// What the server remembers of heartbeats, when it asks again, and who is there.
#include "server/rollout/node_registry.hpp"

#include <gtest/gtest.h>

#include "host/values/hash.hpp"

namespace rolesync::rollout {
namespace {

class NodeRegistryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    store::Node node;
    node.id = "n1";
    registry.put(node, {});
  }
  static Heartbeat beat(std::map<std::string, std::string> parts, std::string boot = "b1") {
    Heartbeat heartbeat;
    heartbeat.boot_id = std::move(boot);
    heartbeat.parts = std::move(parts);
    return heartbeat;
  }
  NodeRegistry registry{{.late = 10, .offline = 100}};
};

TEST_F(NodeRegistryTest, ANewProofOfTheSameFactsIsNoChange) {
  const auto report = [](const char* at, const char* state) {
    return R"({"web":{"content_id":"rs1:x","state":")" + std::string(state) +
           R"(","verified_at":")" + at + R"("}})";
  };
  EXPECT_EQ(registry.absorb("n1", beat({{"role_report", report("1", "active")}}), 1).changed.size(),
            1u);
  EXPECT_TRUE(
      registry.absorb("n1", beat({{"role_report", report("2", "active")}}), 2).changed.empty());
  EXPECT_EQ(registry.find("n1")->parts->reports.at("web").verified_at, "2");
  EXPECT_EQ(
      registry.absorb("n1", beat({{"role_report", report("3", "inactive")}}), 3).changed.size(),
      1u);
}

TEST_F(NodeRegistryTest, AsksAgainForPartsItDoesNotHaveFromThisBoot) {
  const std::string ports = "[]";
  registry.absorb("n1", beat({{"listening_ports", ports}}), 1);
  Heartbeat hashed = beat({});
  hashed.hashes["listening_ports"] = sha256_hex(ports);
  EXPECT_TRUE(registry.absorb("n1", hashed, 2).resend.empty());
  hashed.boot_id = "b2";
  EXPECT_EQ(registry.absorb("n1", hashed, 3).resend, (std::vector<std::string>{"listening_ports"}));
}

TEST_F(NodeRegistryTest, ChangesOfTheRoleReportCountOnlyWhenTheyMakeTheReportThatIsMeant) {
  const std::string old = R"({"api":{"state":"active"},"gone":{"state":"unknown"}})";
  const std::string now = R"({"api":{"state":"active"},"web":{"state":"inactive"}})";
  registry.absorb("n1", beat({{"role_report", old}}), 1);
  Heartbeat changes = beat({});
  changes.role_report_changes = R"({"gone":null,"web":{"state":"inactive"}})";
  changes.hashes["role_report"] = sha256_hex(now);
  const auto taken = registry.absorb("n1", changes, 2);
  EXPECT_TRUE(taken.resend.empty());
  EXPECT_EQ(taken.changed, std::vector<std::string>{"role_report"});
  EXPECT_EQ(registry.find("n1")->parts->text("role_report"), now);
  EXPECT_EQ(registry.find("n1")->parts->reports.at("web").state, "inactive");

  changes.role_report_changes = R"({"web":{"state":"active"}})";  // made from another report
  const auto asked = registry.absorb("n1", changes, 3);
  EXPECT_TRUE(asked.resend.empty()) << "the report it means is known";
  EXPECT_EQ(registry.find("n1")->parts->text("role_report"), now);
  changes.hashes["role_report"] = sha256_hex("what we never saw");
  EXPECT_EQ(registry.absorb("n1", changes, 4).resend, std::vector<std::string>{"role_report"});
  EXPECT_EQ(registry.find("n1")->parts->text("role_report"), now);
}

TEST_F(NodeRegistryTest, OnlyReadyPluginsCount) {
  registry.absorb("n1", beat({{"plugins", R"([
      {"state": "ready", "provides": [{"kind": "deployer", "id": "a"}]},
      {"state": "quarantined", "provides": [{"kind": "deployer", "id": "b"}]}, 7])"}}),
                  1);
  EXPECT_EQ(registry.find("n1")->parts->plugins->usable, (domain::PluginSet{{"deployer", "a"}}));
}

TEST_F(NodeRegistryTest, NoPluginsReportedIsNotTheSameAsNoneThere) {
  EXPECT_FALSE(registry.find("n1")->parts->plugins) << "nobody has said anything yet";
  registry.absorb("n1", beat({{"plugins", "[]"}}), 1);
  ASSERT_TRUE(registry.find("n1")->parts->plugins);
  EXPECT_TRUE(registry.find("n1")->parts->plugins->usable.empty());
}

TEST_F(NodeRegistryTest, PresenceFollowsWhatWasHeard) {
  registry.absorb("n1", beat({}), 1'000);
  EXPECT_EQ(registry.find("n1")->presence, "online");
  EXPECT_TRUE(registry.update_presence(1'010).empty());
  EXPECT_EQ(registry.update_presence(1'011).at(0)->presence, "late");
  EXPECT_EQ(registry.update_presence(1'101).at(0)->presence, "offline");
  EXPECT_TRUE(registry.update_presence(1'102).empty());
}

TEST_F(NodeRegistryTest, AnOlderAssignmentDoesNotReplaceANewer) {
  registry.assign("n1", {"b"}, 2);
  registry.assign("n1", {"a"}, 1);
  EXPECT_EQ(registry.find("n1")->assigned.roles, (std::set<std::string>{"b"}));
}

}  // namespace
}  // namespace rolesync::rollout
