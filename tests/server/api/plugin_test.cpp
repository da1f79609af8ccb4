// SPDX-License-Identifier: Apache-2.0
// Plugins in the API: what the server has, what nodes report, lifting quarantines, metrics.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "running_server.hpp"
#include "simulated_agent.hpp"
#include "tests/place.hpp"

namespace rolesync {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Plugins : public ::testing::Test {
 protected:
  Plugins() : server([&](ServerConfig& config) { prepare(config); }) {}

  void prepare(ServerConfig& config) {
    drop_in = config.state_dir / "drop-in";
    fs::create_directories(drop_in);
    config.drop_in_dirs = {drop_in};
  }
  void drop(const std::string& bad, const std::string& as) {
    const fs::path made = drop_in / "incoming";
    fs::copy_file(fs::path(build_directory()) / "tests/bad_plugins" / (bad + ".so"), made,
                  fs::copy_options::overwrite_existing);
    fs::permissions(made, fs::perms::group_write | fs::perms::others_write,
                    fs::perm_options::remove);
    fs::rename(made, drop_in / (as + ".so"));
  }
  Json plugin(const std::string& name) {
    const Reply reply = server.get("/api/plugins/" + name);
    return reply.status == 200 && !reply.body.at("server").empty() ? reply.body.at("server").at(0)
                                                                   : Json::object();
  }
  std::string metrics() {
    return server.raw("GET", "/metrics", "", server.admin_token()).body.get<std::string>();
  }

  fs::path drop_in;
  RunningServer server;
};

TEST_F(Plugins, AreListedWithWhatAnOperatorAsksFor) {
  const Json known = plugin("systemd");
  EXPECT_EQ(known.at("state"), "ready");
  EXPECT_EQ(known.at("abi"), "1.0");
  EXPECT_EQ(known.at("isolated"), false);
  EXPECT_EQ(known.at("sha256").get<std::string>().size(), 64u);
  EXPECT_THAT(known.at("path").get<std::string>(), HasSubstr("systemd.so"));
  EXPECT_EQ(known.at("faults"), 0);
  EXPECT_TRUE(known.at("last_fault").is_null());
  const Json& provided = known.at("provides").at(0);
  EXPECT_EQ(provided.at("kind"), "restart_strategy");
  EXPECT_TRUE(provided.at("options").is_object());
  EXPECT_FALSE(provided.at("needs").empty());
  EXPECT_GT(plugin("frontend").at("calls"), 0) << "its role was asked for";
  EXPECT_EQ(server.get("/api/plugins/nobody").reason(), "unknown_plugin");
}

TEST_F(Plugins, AFaultyRoleIsNamedQuarantinedAndLifted) {
  drop("role_crashes", "role_crashes");
  ASSERT_TRUE(eventually([&] { return plugin("role_crashes").value("faults", 0) == 1; }));
  EXPECT_THAT(to_text(plugin("role_crashes").at("last_fault")), HasSubstr("signal 6"));
  EXPECT_THAT(to_text(server.get("/api/roles/crashing").body.at("error")), HasSubstr("signal 6"));

  // Whenever the plugins have changed, what failed is asked again.
  for (int faults = 2; faults <= 3; ++faults) {
    drop(faults % 2 ? "no_fault" : "prints_in_call", "other");
    ASSERT_TRUE(eventually([&] { return plugin("role_crashes").value("faults", 0) == faults; }));
  }
  const Json held = plugin("role_crashes");
  EXPECT_EQ(held.at("state"), "quarantined");
  EXPECT_EQ(held.at("reason"), "plugin_quarantined");
  EXPECT_THAT(held.at("detail").get<std::string>(), HasSubstr("signal 6"));
  EXPECT_THAT(metrics(), HasSubstr("reason=\"plugin_quarantined\""));
  EXPECT_EQ(server.get("/api/roles/frontend").body.at("error"), "") << "others go on";
  EXPECT_EQ(plugin("frontend").at("calls"), 1) << "what a content has said is not asked again";

  const std::string path = "/api/plugins/role_crashes/unquarantine";
  const std::string reader = server.new_token({"read"});
  EXPECT_EQ(server.request("POST", path, Json::object(), reader).status, 403);
  const Reply lifted = server.post(path, Json::object());
  EXPECT_EQ(lifted.status, 200) << lifted.body;
  EXPECT_EQ(server.post("/api/plugins/systemd/unquarantine", Json::object()).reason(),
            "not_quarantined");
  EXPECT_EQ(server.post("/api/plugins/nobody/unquarantine", Json::object()).status, 404);
  ASSERT_TRUE(eventually([&] { return plugin("role_crashes").value("faults", 0) == 4; }))
      << "it is called again";
}

TEST_F(Plugins, OfANodeAreShownAsItReportsThem) {
  SimulatedAgent agent(server, "node-1");
  agent.plugins = Json::parse(R"([{"name": "web-check", "version": "2.0.0", "sha256": "ab",
      "path": "/p/web-check.so", "abi": "1.0", "state": "quarantined",
      "reason": "plugin_quarantined", "detail": "it failed", "isolated": true, "calls": 9,
      "faults": 3, "last_fault": null, "provides": [{"kind": "detector", "id": "web",
      "summary": "", "needs": [], "parallel": true, "options": {}, "timeouts": {}}]}, 7])");
  ASSERT_LT(agent.beat().status, 300);
  const Reply shown = server.get("/api/plugins/web-check");
  ASSERT_EQ(shown.status, 200) << shown.body;
  EXPECT_TRUE(shown.body.at("server").empty());
  const Json& there = shown.body.at("nodes").at(0);
  EXPECT_EQ(there.at("node_id"), "node-1");
  EXPECT_EQ(there.at("detail"), "it failed");
  EXPECT_EQ(server.get("/api/nodes/node-1").body.at("plugins").at(0).at("faults"), 3);
  EXPECT_THAT(metrics(), HasSubstr("rolesync_node_plugins{name=\"web-check\",version=\"2.0.0\","
                                   "state=\"quarantined\"} 1"));

  const std::string path = "/api/nodes/node-1/plugins/web-check/unquarantine";
  EXPECT_EQ(server.post("/api/nodes/node-1/plugins/none/unquarantine", Json::object()).status, 404);
  EXPECT_EQ(server.post("/api/nodes/none/plugins/web-check/unquarantine", Json::object()).status,
            404);
  const Reply told = server.post(path, Json::object());
  ASSERT_EQ(told.status, 202) << told.body;
  const Json command = agent.command("unquarantine");
  EXPECT_EQ(command.at("id"), told.body.at("command_id"));
  EXPECT_EQ(command.at("payload").at("plugin"), "web-check");
  agent.acknowledged = {command.at("id")};
  agent.plugins[0]["state"] = "ready";
  ASSERT_LT(agent.beat().status, 300);
  EXPECT_EQ(server.post(path, Json::object()).reason(), "not_quarantined");
}

TEST_F(Plugins, MetricsNeedALoginAndAreText) {
  EXPECT_EQ(server.raw("GET", "/metrics", "").status, 401);
  const Reply reply = server.raw("GET", "/metrics", "", server.new_token({"read"}));
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.headers.at("content-type"), HasSubstr("text/plain; version=0.0.4"));
  const std::string text = reply.body.get<std::string>();
  EXPECT_THAT(text, HasSubstr("# TYPE rolesync_plugin_calls_total counter\n"));
  EXPECT_THAT(text, HasSubstr("rolesync_nodes{state=\"online\"} 0\n"));
}

}  // namespace
}  // namespace rolesync
