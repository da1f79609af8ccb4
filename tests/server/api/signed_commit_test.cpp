// SPDX-License-Identifier: Apache-2.0
// A source that requires signatures: what is not signed is listed as refused and never deployed.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "host/process/child.hpp"
#include "host/values/json.hpp"
#include "simulated_agent.hpp"

namespace rolesync {
namespace {

class SignedCommits : public ::testing::Test {
 protected:
  void SetUp() override {
    first = server.commit({{"web/a", "1"}});
    ChildSpec keygen;
    keygen.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key()};
    keygen.environment = {{"PATH", "/usr/bin:/bin"}, {"HOME", "/nonexistent"}};
    const auto made = run_child(keygen);
    ASSERT_TRUE(made && made->succeeded());
    std::ifstream file(key() + ".pub");
    signers = "anna@example.org " + std::string(std::istreambuf_iterator<char>(file), {});
    ASSERT_EQ(server.put("/api/roles/web", {{"source_paths", {"web"}}, {"target_path", "/srv/web"}})
                  .status,
              201);
    ASSERT_EQ(server
                  .put("/api/code-source", {{"transport", "file"},
                                            {"repository", server.repository().string()},
                                            {"poll_seconds", 0}})
                  .status,
              200);
  }
  std::string key() const { return (server.directory() / "signing-key").string(); }
  Reply pull() { return server.post("/api/code-sync/pull", Json::object()); }
  void require() {
    const Reply set =
        server.put("/api/code-source/signers", {{"required", true}, {"allowed_signers", signers}});
    ASSERT_EQ(set.status, 200) << set.body;
  }
  std::string sign() {
    server.git({"-c", "gpg.format=ssh", "-c", "user.signingKey=" + key(), "commit", "-q",
                "--allow-empty", "-S", "-m", "signed"});
    return server.git({"rev-parse", "HEAD"});
  }
  Json plan_row(const std::string& commit = "") {
    Json request = {{"roles", {"web"}}};
    if (!commit.empty()) request["commit"] = commit;
    const Reply plan = server.post("/api/code-sync/plan", request);
    return plan.status == 200 ? plan.body.at("rows").at(0) : plan.body;
  }
  RunningServer server;
  std::string first, signers;
};

TEST_F(SignedCommits, AnUnsignedCommitIsListedAsRefusedAndTheOneBeforeStays) {
  SimulatedAgent agent(server, "n1");
  agent.beat();
  server.put("/api/nodes/n1/roles", {{"roles", {"web"}}});
  require();
  const std::string good = sign();
  ASSERT_EQ(pull().status, 200);
  const std::string bad = server.commit({{"web/a", "2"}});
  const Reply refused = pull();
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.reason(), "commit_unsigned") << refused.body;
  const Json source = server.get("/api/code-source").body;
  EXPECT_EQ(source.at("commit"), good);
  EXPECT_EQ(source.at("fetch_state"), "failed");
  EXPECT_EQ(source.at("reason"), "commit_unsigned");
  const Json commits = server.get("/api/commits").body.at("commits");
  EXPECT_EQ(commits.at(0).at("commit"), bad);
  EXPECT_EQ(commits.at(0).at("refused").at("reason"), "commit_unsigned");
  EXPECT_TRUE(commits.at(1).at("refused").is_null());
  EXPECT_EQ(commits.at(2).at("refused").at("reason"), "commit_unsigned");
  EXPECT_EQ(plan_row().at("to").at("commit"), good);
  EXPECT_EQ(plan_row(bad).at("reason"), "commit_unsigned") << plan_row(bad);

  const std::string better = sign();  // whoever signs it vouches for all of its files
  ASSERT_EQ(pull().status, 200);
  EXPECT_EQ(plan_row().at("to").at("commit"), better);
}

TEST_F(SignedCommits, WhatWasImportedBeforeIsNotDeployedAnyMore) {
  ASSERT_EQ(pull().status, 200);
  SimulatedAgent agent(server, "n1");
  agent.beat();
  server.put("/api/nodes/n1/roles", {{"roles", {"web"}}});
  EXPECT_EQ(plan_row().at("to").at("commit"), first);
  require();
  EXPECT_TRUE(eventually([&] {
    const Json row = plan_row();
    return row.at("blockers").size() == 1 &&
           row.at("blockers").at(0).at("reason") == "commit_unsigned";
  })) << plan_row();
  server.put("/api/code-source/signers", {{"required", false}});
  EXPECT_TRUE(eventually([&] { return plan_row().at("blockers").empty(); })) << plan_row();
  EXPECT_TRUE(server.get("/api/commits").body.at("commits").at(0).at("refused").is_null());
}

TEST_F(SignedCommits, SignersAreCheckedWhenTheyAreSetAndSurviveOtherChanges) {
  const auto put = [&](const Json& body) { return server.put("/api/code-source/signers", body); };
  EXPECT_EQ(put({{"required", true}}).status, 422);
  EXPECT_EQ(put({{"required", true}, {"allowed_signers", "anna"}}).reason(),
            "allowed_signers_invalid");
  EXPECT_EQ(put({{"required", true}, {"gpg_keys", "no key"}}).reason(), "gpg_keys_invalid");
  EXPECT_EQ(put({{"required", true}, {"allowed_signers", signers}, {"source", "x"}}).status, 404);
  require();
  server.put("/api/code-source",
             {{"transport", "file"}, {"repository", server.repository().string()}});
  const Json kept = server.get("/api/code-source/signers").body;
  EXPECT_EQ(kept.at("required"), true);
  EXPECT_EQ(kept.at("allowed_signers"), signers);
}

}  // namespace
}  // namespace rolesync
