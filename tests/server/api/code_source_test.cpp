// SPDX-License-Identifier: Apache-2.0
// Commits: pulling, notifications that are signed, known, ignored or forged, and what they touch.
#include <gtest/gtest.h>

#include "host/values/hash.hpp"
#include "host/values/secret.hpp"
#include "simulated_agent.hpp"

namespace rolesync {
namespace {

class CodeSourceApi : public ::testing::Test {
 protected:
  void set_source() {
    const Reply set = server.put(
        "/api/code-source", {{"transport", "file"}, {"repository", server.repository().string()}});
    ASSERT_EQ(set.status, 200) << set.body;
  }
  void add_role(const std::string& name, const std::string& path) {
    ASSERT_EQ(
        server
            .put("/api/roles/" + name, {{"source_paths", {path}}, {"target_path", "/srv/" + name}})
            .status,
        201);
  }
  std::string hook_key() {
    const Reply made = server.post("/api/code-source/hook",
                                   {{"server_url", server.url()}, {"key_file", "/srv/key"}});
    EXPECT_EQ(made.status, 201) << made.body;
    return made.body.value("key", "");
  }
  Reply notify(const std::string& key, const Json& body, std::string nonce = "") {
    const std::string text = to_text(body);
    if (nonce.empty()) nonce = random_hex(16);
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
    const std::string at = std::to_string(now);
    return server.raw("POST", "/api/code-source/notify", text, "",
                      {{"X-Rolesync-Source", "main"},
                       {"X-Rolesync-Timestamp", at},
                       {"X-Rolesync-Nonce", nonce},
                       {"X-Rolesync-Signature",
                        "sha256=" + hmac_sha256_hex(key, at + "." + nonce + "." + text)}});
  }
  Json head() { return server.get("/api/code-source").body.at("commit"); }
  RunningServer server;
};

TEST_F(CodeSourceApi, APullSaysWhichRolesOnWhichNodesBecameOutdated) {
  const std::string first = server.commit({{"web/a", "1"}, {"api/b", "1"}});
  add_role("web", "web");
  add_role("api", "api");
  SimulatedAgent agent(server, "n1");
  agent.report = {{"api", {{"state", "not_installed"}}}, {"web", {{"state", "not_installed"}}}};
  agent.beat();
  server.put("/api/nodes/n1/roles", {{"roles", {"api", "web"}}});
  set_source();
  const Reply pulled = server.post("/api/code-sync/pull", Json::object());
  ASSERT_EQ(pulled.status, 200) << pulled.body;
  EXPECT_EQ(pulled.body.at("commit"), first);
  EXPECT_EQ(pulled.body.at("changed"), Json({"api", "web"}));
  EXPECT_EQ(pulled.body.at("outdated").size(), 2u);

  const std::string second = server.commit({{"web/a", "2"}, {"README", "not of a role"}});
  const Reply again = server.post("/api/code-sync/pull", Json::object());
  EXPECT_EQ(again.body.at("commit"), second);
  EXPECT_EQ(again.body.at("changed"), Json({"web"}));
  const Json commits = server.get("/api/commits").body.at("commits");
  EXPECT_EQ(commits.at(0).at("commit"), second);
  EXPECT_EQ(commits.at(0).at("roles"), Json({"web"}));
}

TEST_F(CodeSourceApi, ARoleWhosePathIsGoneIsNeverEmptied) {
  server.commit({{"web/a", "1"}});
  add_role("web", "web");
  SimulatedAgent agent(server, "n1");
  agent.beat();
  server.put("/api/nodes/n1/roles", {{"roles", {"web"}}});
  set_source();
  server.post("/api/code-sync/pull", Json::object());
  server.git({"mv", "web", "ui"});
  server.commit({});
  const Json pulled = server.post("/api/code-sync/pull", Json::object()).body;
  EXPECT_EQ(pulled.at("errors").at(0).at("reason"), "no_files_in_commit") << pulled;
  const Json row = server.post("/api/code-sync/plan", {{"roles", {"web"}}}).body.at("rows").at(0);
  EXPECT_EQ(row.at("blockers").at(0).at("reason"), "no_files_in_commit") << row;
  EXPECT_EQ(row.at("blockers").at(0).at("severity"), "blocker");
}

TEST_F(CodeSourceApi, ANotificationFetchesLaterAndDeploysNothing) {
  server.commit({{"web/a", "1"}});
  set_source();
  server.post("/api/code-sync/pull", Json::object());
  const std::string key = hook_key();
  const std::string second = server.commit({{"web/a", "2"}});
  const Json body = {{"ref", "refs/heads/main"},
                     {"old", std::string(40, '0')},
                     {"new", second},
                     {"forced", false},
                     {"repository", "r"},
                     {"message", "it's \"quoted\"\nand 🚀"},
                     {"author", "A"}};
  const Reply taken = notify(key, body);
  EXPECT_EQ(taken.status, 202) << taken.body;
  EXPECT_EQ(taken.body.at("state"), "queued");
  EXPECT_TRUE(eventually([&] { return head() == second; }));
  EXPECT_EQ(notify(key, body).body.at("state"), "known");
  EXPECT_TRUE(server.get("/api/sync-jobs").body.at("jobs").empty());

  Json other = body;
  other["ref"] = "refs/heads/feature";
  EXPECT_EQ(notify(key, other).body.at("reason"), "other_branch");
}

TEST_F(CodeSourceApi, AForgedOrRepeatedNotificationHasNoEffect) {
  const std::string commit = server.commit({{"web/a", "1"}});
  set_source();
  const std::string key = hook_key();
  const Json body = {
      {"ref", "refs/heads/main"}, {"old", commit}, {"new", commit}, {"forced", false},
      {"repository", ""},         {"message", ""}, {"author", ""}};
  EXPECT_EQ(notify("wrong key", body).status, 401);
  const std::string nonce = random_hex(16);
  EXPECT_EQ(notify(key, body, nonce).status, 202);
  EXPECT_EQ(notify(key, body, nonce).reason(), "nonce_used");
  EXPECT_EQ(server.raw("POST", "/api/code-source/notify", "{}").status, 401);
}

TEST_F(CodeSourceApi, HoldingTheSourceAndHavingTheRoleAreTheSame) {
  SimulatedAgent first(server, "n1"), second(server, "n2");
  const auto assigned = [&](const std::string& node) {
    return server.get("/api/nodes/" + node + "/roles").body.at("assigned");
  };
  const Json fields = {{"transport", "agent"}, {"node_id", "n1"}, {"repository", "/srv/x.git"}};
  EXPECT_EQ(server.put("/api/code-source", fields).status, 200);
  EXPECT_EQ(assigned("n1"), Json({"code-source"}));
  EXPECT_EQ(server.put("/api/nodes/n2/roles", {{"roles", {"code-source"}}}).status, 200);
  EXPECT_EQ(server.get("/api/code-source").body.at("node_id"), "n2");
  EXPECT_EQ(server.put("/api/nodes/n2/roles", {{"roles", Json::array()}}).reason(),
            "code_source_in_use");
}

TEST_F(CodeSourceApi, APullFromASilentNodeSaysSo) {
  SimulatedAgent agent(server, "n1");
  server.put("/api/code-source",
             {{"transport", "agent"}, {"node_id", "n1"}, {"repository", "/srv/x.git"}});
  EXPECT_EQ(server.post("/api/code-sync/pull", Json::object()).reason(), "node_offline");
}

TEST_F(CodeSourceApi, ARepositoryOutsideTheAllowedPathsIsRefused) {
  server.put("/api/code-source", {{"transport", "file"}, {"repository", "/etc"}});
  const Reply refused = server.post("/api/code-sync/pull", Json::object());
  EXPECT_EQ(refused.status, 403) << refused.body;
  EXPECT_EQ(refused.reason(), "repository_not_allowed");
}

}  // namespace
}  // namespace rolesync
