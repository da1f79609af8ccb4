// SPDX-License-Identifier: Apache-2.0
// Issue A, "Bad input": each line is one test, a clear problem and no effect.
#include <gtest/gtest.h>

#include "simulated_agent.hpp"

namespace rolesync {
namespace {

class BadInput : public ::testing::Test {
 protected:
  void expect_problem(const Reply& reply, int status, const std::string& reason) {
    EXPECT_EQ(reply.status, status) << reply.body;
    EXPECT_EQ(reply.reason(), reason) << reply.body;
    EXPECT_TRUE(reply.headers.at("content-type").starts_with("application/problem+json"));
    EXPECT_FALSE(reply.body.value("request_id", "").empty());
    EXPECT_FALSE(reply.body.value("detail", "").empty());
  }
  Reply put_role(const Json& fields) { return server.put("/api/roles/web", fields); }
  void expect_no_role() { EXPECT_EQ(server.get("/api/roles/web").status, 404); }
  RunningServer server;
};

TEST_F(BadInput, UnknownRole) {
  SimulatedAgent agent(server, "n1");
  expect_problem(server.put("/api/nodes/n1/roles", {{"roles", {"nope"}}}), 404, "unknown_role");
  expect_problem(server.post("/api/code-sync/plan", {{"roles", {"nope"}}}), 404, "unknown_role");
  expect_problem(server.post("/api/code-sync/roles/nope/sync", {{"approve", true}}), 404,
                 "unknown_role");
  EXPECT_FALSE(server.get("/api/nodes/n1/roles").body.at("assigned_by_hand"));
}

TEST_F(BadInput, UnknownNode) {
  expect_problem(server.put("/api/nodes/nope/roles", {{"roles", Json::array()}}), 404,
                 "unknown_node");
  expect_problem(server.post("/api/code-sync/plan", {{"nodes", {"nope"}}}), 404, "unknown_node");
  expect_problem(
      server.put("/api/code-source",
                 {{"transport", "agent"}, {"node_id", "nope"}, {"repository", "/srv/x.git"}}),
      404, "unknown_node");
  EXPECT_EQ(server.get("/api/code-source").status, 404);
}

TEST_F(BadInput, InvalidCommit) {
  for (const char* commit : {"HEAD", "abc", "--upload-pack=touch /tmp/x", "main"}) {
    const Reply reply = server.post("/api/code-sync/plan", {{"commit", commit}});
    expect_problem(reply, 422, "invalid_body");
    EXPECT_EQ(reply.body.at("errors").at(0).at("pointer"), "/commit");
  }
  expect_problem(server.post("/api/code-sync/sync", {{"plan_hash", "pl1:nope"}}), 404,
                 "unknown_plan");
}

TEST_F(BadInput, SourcePathThatClimbs) {
  const Reply reply = put_role({{"source_paths", {"a/../../etc"}}, {"target_path", "/srv/web"}});
  expect_problem(reply, 422, "invalid_role");
  EXPECT_EQ(reply.body.at("errors").at(0).at("pointer"), "/source_paths/0");
  expect_no_role();
}

TEST_F(BadInput, AbsoluteSourcePath) {
  expect_problem(put_role({{"source_paths", {"/etc"}}, {"target_path", "/srv/web"}}), 422,
                 "invalid_role");
  expect_no_role();
}

TEST_F(BadInput, SourcePathThatIsAnOption) {
  expect_problem(put_role({{"source_paths", {"-e sh"}}, {"target_path", "/srv/web"}}), 422,
                 "invalid_role");
  expect_no_role();
}

TEST_F(BadInput, TargetThatIsTheRoot) {
  for (const char* target : {"/", "//", "/..", "/srv/../..", "srv"}) {
    expect_problem(put_role({{"source_paths", {"web"}}, {"target_path", target}}), 422,
                   "invalid_role");
  }
  expect_no_role();
}

TEST_F(BadInput, DuplicateKeys) {
  expect_problem(server.raw("PUT", "/api/roles/web",
                            R"({"source_paths": ["web"], "target_path": "/srv/a",
                                "target_path": "/srv/b"})",
                            server.admin_token()),
                 400, "invalid_json");
  expect_no_role();
}

TEST_F(BadInput, UnknownFields) {
  const Reply reply = put_role(
      {{"source_paths", {"web"}}, {"target_path", "/srv/web"}, {"targetpath", "/srv/web"}});
  expect_problem(reply, 422, "invalid_role");
  EXPECT_EQ(reply.body.at("errors").at(0).at("pointer"), "/targetpath");
  expect_problem(server.post("/api/code-sync/plan", {{"role", "web"}}), 422, "invalid_body");
  expect_no_role();
}

TEST_F(BadInput, TenMegabyteBody) {
  const Reply reply =
      server.raw("PUT", "/api/roles/web", std::string(10 << 20, ' '), server.admin_token());
  EXPECT_EQ(reply.status, 413) << reply.body;
  EXPECT_FALSE(reply.reason().empty());
  expect_no_role();
}

TEST_F(BadInput, HundredThousandNestedBrackets) {
  expect_problem(
      server.raw("PUT", "/api/roles/web", std::string(100'000, '['), server.admin_token()), 400,
      "invalid_json");
  EXPECT_EQ(server.get("/healthz").status, 200);
}

TEST_F(BadInput, TokenMissingOrOfAnotherNode) {
  SimulatedAgent first(server, "n1"), second(server, "n2");
  expect_problem(server.raw("GET", "/api/roles", ""), 401, "login_required");
  expect_problem(server.request("POST", "/api/nodes/n1/heartbeat",
                                {{"sequence", 1}, {"boot_id", "b"}}, second.credential),
                 403, "other_node");
  EXPECT_EQ(server.get("/api/nodes/n1").body.at("state"), "offline");
}

TEST_F(BadInput, RepositoryThatIsAnOptionOrRelative) {
  for (const char* repository : {"--upload-pack=sh", "relative/x.git", "/srv/../etc"}) {
    expect_problem(
        server.put("/api/code-source", {{"transport", "file"}, {"repository", repository}}), 422,
        "invalid_body");
  }
  expect_problem(
      server.put("/api/code-source",
                 {{"transport", "file"}, {"repository", "/srv/x.git"}, {"branch", "--all"}}),
      422, "invalid_body");
  EXPECT_EQ(server.get("/api/code-source").status, 404);
}

TEST_F(BadInput, PageAndLimitThatAreNoNumbers) {
  expect_problem(server.get("/api/sync-jobs?limit=0"), 400, "invalid_query");
  expect_problem(server.get("/api/sync-jobs?page=x"), 400, "invalid_query");
  expect_problem(server.get("/api/commits?limit=1e9"), 400, "invalid_query");
}

}  // namespace
}  // namespace rolesync
