// SPDX-License-Identifier: Apache-2.0
// Every list of the API understands the same: limit, sort, page_token, its filters, and nothing
// else.
#include <gtest/gtest.h>

#include <set>

#include "simulated_agent.hpp"

namespace rolesync {
namespace {

struct List {
  const char *path, *member, *id, *sort;
};
constexpr List lists[] = {
    {"/api/nodes", "nodes", "node_id", "-joined_at"},
    {"/api/roles", "roles", "role_name", "-role_name"},
    {"/api/commits", "commits", "commit", "position"},
    {"/api/sync-jobs", "jobs", "job_id", "created_at"},
    {"/api/sync-tasks", "tasks", "task_id", "created_at"},
    {"/api/schedules", "schedules", "name", "-name"},
    {"/api/freezes", "freezes", "id", "created_at"},
    {"/api/plugins", "plugins", "path", "-name"},
    {"/api/tokens", "tokens", "id", "-name"},
    {"/api/join-tokens", "join_tokens", "id", "node_id"},
    {"/api/audit", "entries", "sequence", "sequence"},
    {"/api/events", "events", "id", "id"},
    {"/api/role-actions", "actions", "action_id", "created_at"},
};

class Lists : public ::testing::Test {
 protected:
  // Some of everything that can be had without a sync.
  void SetUp() override {
    for (const char* node : {"n1", "n2", "n3"}) SimulatedAgent agent(server, node);
    for (const char* name : {"a", "b", "c"}) {
      EXPECT_EQ(server.put(std::string("/api/schedules/") + name, {{"cron", "@daily"}}).status,
                201);
      EXPECT_EQ(server.post("/api/freezes", {{"reason", name}}).status, 201);
      server.new_token({"read"});
      server.commit({{"frontend/x", name}});
    }
    ASSERT_EQ(server
                  .put("/api/code-source",
                       {{"transport", "file"}, {"repository", server.repository().string()}})
                  .status,
              200);
    ASSERT_EQ(server.post("/api/code-sync/pull", Json::object()).status, 200);
  }
  Reply get(const std::string& path) {
    return server.request("GET", path, Json(), "", {{"Accept", "application/json"}});
  }
  std::vector<std::string> ids(const List& list, const Reply& reply) {
    std::vector<std::string> found;
    EXPECT_EQ(reply.status, 200) << list.path << reply.body;
    if (reply.status != 200) return found;
    for (const Json& item : reply.body.at(list.member)) found.push_back(item.at(list.id).dump());
    return found;
  }
  void refused(const std::string& path, const std::string& name) {
    const Reply reply = get(path);
    EXPECT_EQ(reply.status, 400) << path << reply.body;
    EXPECT_EQ(reply.reason(), "invalid_query") << path;
    ASSERT_TRUE(reply.body.contains("errors")) << reply.body;
    EXPECT_EQ(reply.body["errors"][0]["pointer"], "/query/" + name);
    EXPECT_FALSE(reply.body.value("hint", "").empty()) << path;
  }
  RunningServer server;
};

TEST_F(Lists, PagesAreTheWholeListInEitherOrder) {
  for (const List& list : lists) {
    for (const std::string& sort : {std::string(), std::string("&sort=") + list.sort}) {
      const auto whole = ids(list, get(std::string(list.path) + "?limit=500" + sort));
      std::vector<std::string> walked;
      std::string token;
      do {
        const Reply page = get(std::string(list.path) + "?limit=2" + sort + "&page_token=" + token);
        const auto some = ids(list, page);
        ASSERT_LE(some.size(), 2u) << list.path;
        walked.insert(walked.end(), some.begin(), some.end());
        const Json next = page.body.at("next_page_token");
        token = next.is_string() ? next.get<std::string>() : "";
      } while (!token.empty() && walked.size() <= whole.size());
      EXPECT_EQ(walked, whole) << list.path << sort;
    }
  }
}

TEST_F(Lists, WhatTheyDoNotUnderstandIsRefusedWithAHint) {
  for (const List& list : lists) {
    const std::string path = list.path;
    for (const char* limit : {"0", "501", "x", "1e3", "-1", ""}) {
      refused(path + "?limit=" + limit, "limit");
    }
    refused(path + "?sort=hash", "sort");
    refused(path + "?sort=--" + list.sort, "sort");
    refused(path + "?nonsense=1", "nonsense");
    for (const char* token : {"x", "00", "zz", "0123456789ab", "0123456789ab616263"}) {
      refused(path + "?page_token=" + token, "page_token");
    }
  }
}

TEST_F(Lists, ATokenIsGoodForItsOwnListOnly) {
  const std::string token = get("/api/schedules?limit=1").body.at("next_page_token");
  EXPECT_EQ(get("/api/schedules?limit=5&page_token=" + token).status, 200)
      << "another limit is fine";
  refused("/api/schedules?sort=-name&page_token=" + token, "page_token");
  refused("/api/schedules?enabled=true&page_token=" + token, "page_token");
  refused("/api/freezes?page_token=" + token, "page_token");
  std::string edited = token;
  edited.back() = edited.back() == '1' ? '2' : '1';
  refused("/api/schedules?page_token=" + edited, "page_token");
}

TEST_F(Lists, FiltersChooseItems) {
  const auto count = [&](const std::string& path, const char* member) {
    const Reply reply = get(path);
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.status == 200 ? reply.body.at(member).size() : 999;
  };
  ASSERT_EQ(server.put("/api/nodes/n2/labels", {{"labels", {{"site", "berlin"}, {"tier", "web"}}}})
                .status,
            200);
  EXPECT_EQ(count("/api/nodes?label=site=berlin", "nodes"), 1u);
  EXPECT_EQ(count("/api/nodes?label=site=berlin,tier=web", "nodes"), 1u);
  EXPECT_EQ(count("/api/nodes?label=site=berlin,tier=db", "nodes"), 0u);
  EXPECT_EQ(count("/api/nodes?state=revoked", "nodes"), 0u);
  refused("/api/nodes?label=berlin", "label");
  EXPECT_EQ(count("/api/join-tokens?node=n1", "join_tokens"), 1u);
  EXPECT_EQ(count("/api/join-tokens?used=false", "join_tokens"), 0u);
  refused("/api/join-tokens?used=maybe", "used");
  refused("/api/join-tokens?node=../x", "node");
  EXPECT_EQ(count("/api/audit?action=freeze.create", "entries"), 3u);
  EXPECT_EQ(count("/api/audit?action=freeze.create&since=2100-01-01T00:00:00Z", "entries"), 0u);
  refused("/api/audit?since=yesterday", "since");
  EXPECT_EQ(count("/api/roles?sync_type=package", "roles"), 1u);
  EXPECT_GE(count("/api/plugins?kind=role", "plugins"), 2u);
  EXPECT_EQ(count("/api/plugins?state=failed", "plugins"), 0u);
  EXPECT_EQ(count("/api/tokens?scope=admin", "tokens"), 1u);
  EXPECT_EQ(count("/api/commits?role=nobody", "commits"), 0u);
}

TEST_F(Lists, ACommitSaysWhoRunsIt) {
  const Json newest = get("/api/commits?limit=1").body.at("commits").at(0);
  EXPECT_EQ(newest.at("node_count"), 0);
  const std::string id = newest.at("commit");
  const Reply shown = get("/api/commits/" + id);
  EXPECT_EQ(shown.body.at("runs_on"), Json::array());
  EXPECT_EQ(get("/api/commits/" + std::string(40, 'a')).reason(), "unknown_commit");
}

TEST_F(Lists, TokensAreListedAndRevoked) {
  const Reply made = server.post(
      "/api/tokens", {{"name", "ci"}, {"scopes", {"read"}}, {"roles", {"web"}}, {"nodes", {"n1"}}});
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string path = "/api/tokens/" + made.body.at("id").get<std::string>();
  const std::string secret = made.body.at("token");
  EXPECT_EQ(get(path).body.at("last_used_at"), nullptr);
  EXPECT_EQ(server.request("GET", "/api/nodes", Json(), secret).status, 200);
  const Json token = get(path).body;
  EXPECT_FALSE(token.at("last_used_at").is_null());
  EXPECT_EQ(token.at("roles"), Json({"web"}));
  EXPECT_FALSE(token.contains("token"));
  const Reply gone = server.request("DELETE", path);
  EXPECT_EQ(gone.status, 200);
  EXPECT_EQ(gone.body.at("state"), "revoked");
  EXPECT_EQ(gone.body.at("revoked_by"), "admin");
  EXPECT_EQ(server.request("GET", "/api/nodes", Json(), secret).status, 401);
  EXPECT_EQ(server.request("DELETE", "/api/tokens/tok_x").reason(), "unknown_token");
  EXPECT_EQ(get("/api/tokens?revoked=true").body.at("tokens").size(), 1u);
}

TEST_F(Lists, AJoinTokenIsRevokedBeforeItIsUsed) {
  const Reply made = server.post("/api/join-tokens", {{"node_id", "n9"}});
  const std::string path = "/api/join-tokens/" + made.body.at("id").get<std::string>();
  EXPECT_EQ(server.request("DELETE", path).body.at("state"), "revoked");
  EXPECT_EQ(
      server
          .raw("POST", "/api/join", to_text({{"token", made.body.at("token")}, {"node_id", "n9"}}))
          .status,
      401);
  const std::string used = get("/api/join-tokens?node=n1").body.at("join_tokens")[0].at("id");
  EXPECT_EQ(server.request("DELETE", "/api/join-tokens/" + used).reason(), "join_token_used");
}

TEST_F(Lists, TheAuditLogIsExportedAndVerified) {
  const Reply lines = server.request("GET", "/api/audit?limit=2&sort=sequence", Json(), "",
                                     {{"Accept", "application/x-ndjson"}});
  EXPECT_TRUE(lines.headers.at("content-type").starts_with("application/x-ndjson"));
  EXPECT_TRUE(lines.headers.contains("next-page-token"));
  const std::string text = lines.body.get<std::string>();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  const Json check = get("/api/audit/verify?at=1").body;
  EXPECT_TRUE(check.at("whole"));
  EXPECT_EQ(check.at("hash_at"), Json(parse_json(text.substr(0, text.find('\n')))->at("hash")));
  EXPECT_EQ(get("/api/audit/verify?at=x").status, 400);
}

}  // namespace
}  // namespace rolesync
