// SPDX-License-Identifier: Apache-2.0
// Commits that a forge tells about, those found by looking, and several sources.
#include <gtest/gtest.h>

#include "host/values/hash.hpp"
#include "host/values/json.hpp"
#include "server/store/audit.hpp"
#include "server/store/store.hpp"
#include "simulated_agent.hpp"

namespace rolesync {
namespace {

class WebhookApi : public ::testing::Test {
 protected:
  void set_source(const std::string& name = "main", Json more = Json::object()) {
    more.update(
        Json{{"name", name}, {"transport", "file"}, {"repository", server.repository().string()}});
    const Reply set = server.put("/api/code-source", more);
    ASSERT_EQ(set.status, 200) << set.body;
  }
  std::string secret(const std::string& kind) {
    const Reply made =
        server.post("/api/code-source/webhook", {{"source", "main"}, {"kind", kind}});
    EXPECT_EQ(made.status, 201) << made.body;
    EXPECT_EQ(made.body.value("path", ""), "/api/code-source/webhooks/main");
    return made.body.value("secret", "");
  }
  Json push(const std::string& commit, const std::string& ref = "refs/heads/main") {
    return {{"ref", ref},
            {"before", std::string(40, '0')},
            {"after", commit},
            {"commits", Json::array()},
            {"repository", {{"full_name", "o/r"}}}};
  }
  Reply github(const std::string& key, const Json& body, const std::string& delivery,
               const std::string& event = "push") {
    const std::string text = to_text(body);
    return server.raw("POST", "/api/code-source/webhooks/main", text, "none",
                      {{"X-GitHub-Event", event},
                       {"X-GitHub-Delivery", delivery},
                       {"X-Hub-Signature-256", "sha256=" + hmac_sha256_hex(key, text)}});
  }
  Json source(const std::string& name = "main") {
    return server.get("/api/code-source?source=" + name).body;
  }
  bool arrives(const std::string& commit) {
    return eventually([&] { return source().at("commit") == commit; });
  }
  RunningServer server;
};

TEST_F(WebhookApi, APushIsFetchedAndCountsOnce) {
  server.commit({{"web/a", "1"}});
  set_source();
  const std::string key = secret("github");
  EXPECT_EQ(github(key, {{"zen", "x"}, {"hook_id", 1}}, "d0", "ping").body.at("reason"), "ping");
  const std::string second = server.commit({{"web/a", "2"}});
  const Reply taken = github(key, push(second), "d1");
  EXPECT_EQ(taken.status, 202) << taken.body;
  EXPECT_EQ(taken.body.at("state"), "queued");
  EXPECT_TRUE(arrives(second));
  EXPECT_EQ(github(key, push(second), "d1").body.at("reason"), "delivered_before");
  EXPECT_EQ(github(key, push(second), "d2").body.at("reason"), "already_imported");
  EXPECT_EQ(github(key, push(second, "refs/heads/x"), "d3").body.at("reason"), "other_branch");
  EXPECT_EQ(github(key, push(second, "refs/tags/v1"), "d4").body.at("reason"), "not_a_branch");
  EXPECT_EQ(github(key, push(std::string(40, '0')), "d5").body.at("reason"), "branch_deleted");
  EXPECT_TRUE(server.get("/api/sync-jobs").body.at("jobs").empty());
}

TEST_F(WebhookApi, GitLabAndGiteaAreUnderstood) {
  const std::string first = server.commit({{"web/a", "1"}});
  set_source();
  const std::string token = secret("gitlab");
  Json body = push(first);
  body["object_kind"] = "push";
  const Reply lab = server.raw(
      "POST", "/api/code-source/webhooks/main", to_text(body), "none",
      {{"X-Gitlab-Event", "Push Hook"}, {"X-Gitlab-Token", token}, {"X-Gitlab-Event-UUID", "u1"}});
  EXPECT_EQ(lab.body.at("state"), "queued") << lab.body;
  EXPECT_TRUE(arrives(first));
  const std::string key = secret("gitea");
  const std::string second = server.commit({{"web/a", "2"}});
  const std::string text = to_text(push(second));
  const Reply tea = server.raw("POST", "/api/code-source/webhooks/main", text, "none",
                               {{"X-Gitea-Event", "push"},
                                {"X-Gitea-Delivery", "t1"},
                                {"X-Gitea-Signature", hmac_sha256_hex(key, text)}});
  EXPECT_EQ(tea.body.at("state"), "queued") << tea.body;
  EXPECT_TRUE(arrives(second));
  EXPECT_EQ(server
                .raw("POST", "/api/code-source/webhooks/main", text, "none",
                     {{"X-Gitlab-Event", "Push Hook"}, {"X-Gitlab-Token", token}})
                .status,
            401);
}

TEST_F(WebhookApi, ForgedMessagesHaveNoEffectAndAreAuditedOnceAMinute) {
  const std::string commit = server.commit({{"web/a", "1"}});
  set_source();
  EXPECT_EQ(github("any", push(commit), "d").status, 401);  // no secret yet
  const std::string key = secret("github");
  const std::string replaced = secret("github");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(github(key, push(commit), "d").reason(), "signature_wrong");
  EXPECT_EQ(server.raw("POST", "/api/code-source/webhooks/other", "{}", "none").status, 401);
  EXPECT_EQ(server.raw("POST", "/api/code-source/webhooks/main", "{}", "none").reason(),
            "signature_missing");
  EXPECT_EQ(server.raw("POST", "/api/code-source/notify", "{}", "none").status, 401);
  EXPECT_TRUE(source().at("commit").is_null());
  EXPECT_EQ(github(replaced, push(commit), "d").status, 202);

  server.stop();
  auto store = store::open_sqlite({server.directory() / "state" / "rolesync.db"});
  ASSERT_TRUE(store) << store.error().text();
  const auto entries =
      (*store)->read([](store::Session& s) { return store::list_audit(s, {.sort = "sequence"}); });
  std::map<std::string, int> refused;
  for (const auto& entry : entries->items) {
    if (entry.action == "code_source.notice_refused") {
      ++refused[entry.subject + " " + parse_json(entry.details)->value("reason", "")];
    }
  }
  EXPECT_EQ(refused, (std::map<std::string, int>{{"source/main signature_wrong", 1},
                                                 {"source/main signature_missing", 1},
                                                 {"source signature_wrong", 1},
                                                 {"source signature_missing", 1}}));
}

TEST_F(WebhookApi, BodiesAreLimitedAndMustBeJson) {
  server.commit({{"web/a", "1"}});
  set_source();
  const std::string key = secret("github");
  EXPECT_EQ(github(key, {{"ref", 1}}, "d").reason(), "webhook_body_invalid");
  EXPECT_EQ(server
                .raw("POST", "/api/code-source/webhooks/main", "payload=%7B%7D", "none",
                     {{"Content-Type", "application/x-www-form-urlencoded"}})
                .status,
            415);
  const Json large = {{"ref", std::string(6 << 20, 'x')}};
  EXPECT_EQ(github(key, large, "d").status, 413);
}

TEST_F(WebhookApi, ALostMessageIsMadeUpForByLooking) {
  const std::string first = server.commit({{"web/a", "1"}});
  set_source("main", {{"poll_seconds", 5}});
  EXPECT_TRUE(arrives(first));
  EXPECT_TRUE(eventually([&] { return source().at("last_poll_at").is_string(); }));
  const std::string second = server.commit({{"web/a", "2"}});
  EXPECT_TRUE(arrives(second));
  set_source("main");
  EXPECT_EQ(source().at("poll_seconds"), 5);  // left out, it stays
  EXPECT_EQ(server
                .put("/api/code-source", {{"transport", "file"},
                                          {"repository", server.repository().string()},
                                          {"poll_seconds", 4}})
                .status,
            422);
}

TEST_F(WebhookApi, SeveralSourcesAreListedAndRemovedWhenNoRoleUsesThem) {
  server.commit({{"web/a", "1"}});
  set_source("main");
  set_source("extra");
  const Json sources = server.get("/api/code-sources").body.at("sources");
  ASSERT_EQ(sources.size(), 2u);
  EXPECT_EQ(sources.at(0).at("name"), "extra");
  ASSERT_EQ(
      server
          .put("/api/roles/web",
               {{"source_paths", {"web"}}, {"target_path", "/srv/web"}, {"code_source", "extra"}})
          .status,
      201);
  EXPECT_EQ(server.request("DELETE", "/api/code-sources/extra").reason(), "code_source_in_use");
  EXPECT_EQ(server.request("DELETE", "/api/roles/web").status, 204);
  EXPECT_EQ(server.request("DELETE", "/api/code-sources/extra").status, 204);
  EXPECT_EQ(server.request("DELETE", "/api/code-sources/extra").reason(), "unknown_source");
  EXPECT_EQ(server.get("/api/code-sources").body.at("sources").size(), 1u);
}

}  // namespace
}  // namespace rolesync
