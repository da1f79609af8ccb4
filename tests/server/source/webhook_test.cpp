// SPDX-License-Identifier: Apache-2.0
// Webhooks in the shapes that GitHub, GitLab and Gitea document.
#include "server/source/webhook.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "host/values/hash.hpp"
#include "host/values/json.hpp"

namespace rolesync::source {
namespace {

const std::string old_commit(40, 'a'), new_commit(40, 'b'), zeros(40, '0');

Json github_push() {
  return {{"ref", "refs/heads/main"},
          {"before", old_commit},
          {"after", new_commit},
          {"created", false},
          {"deleted", false},
          {"forced", true},
          {"base_ref", nullptr},
          {"compare", "https://github.com/o/r/compare/a...b"},
          {"commits", Json::array({{{"id", new_commit}, {"message", "one\ntwo"}}})},
          {"head_commit", {{"id", new_commit}, {"message", "one\ntwo"}}},
          {"repository", {{"id", 1}, {"full_name", "o/r"}}},
          {"pusher", {{"name", "ada"}, {"email", nullptr}}}};
}

Json gitlab_push() {
  return {{"object_kind", "push"},
          {"event_name", "push"},
          {"before", old_commit},
          {"after", new_commit},
          {"ref", "refs/heads/main"},
          {"checkout_sha", new_commit},
          {"message", nullptr},
          {"user_name", "Ada"},
          {"project", {{"path_with_namespace", "o/r"}}},
          {"commits", Json::array({{{"id", old_commit}, {"message", "old"}},
                                   {{"id", new_commit}, {"message", "new"}}})}};
}

Json gitea_push() {
  Json body = github_push();
  body["pusher"] = {{"id", 1}, {"login", "ada"}};
  return body;
}

std::string reason_of(const auto& result) {
  return result ? "" : result.error().reason;
}

TEST(Webhook, TheSignatureIsTheOneThatGitHubDocuments) {
  const std::map<std::string, std::string> headers = {
      {"x-github-event", "push"},
      {"x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"},
      {"x-hub-signature-256",
       "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}};
  const std::string key = "It's a Secret to Everybody";
  const auto delivery = verify_webhook(Forge::github, headers, "Hello, World!", key);
  ASSERT_TRUE(delivery) << delivery.error().text();
  EXPECT_EQ(delivery->id, "72d3162e-cc78-11e3-81ab-4c9367dc0958");
  EXPECT_EQ(reason_of(verify_webhook(Forge::github, headers, "Hello, World?", key)),
            "signature_wrong");
  EXPECT_EQ(reason_of(verify_webhook(Forge::github, headers, "Hello, World!", "")),
            "signature_wrong");
  EXPECT_EQ(reason_of(verify_webhook(Forge::gitea, headers, "Hello, World!", key)),
            "signature_missing");
}

TEST(Webhook, GitLabSendsTheSecretAndGiteaABareSignature) {
  const auto gitlab = verify_webhook(Forge::gitlab,
                                     {{"x-gitlab-token", "secret"},
                                      {"x-gitlab-event", "Push Hook"},
                                      {"x-gitlab-event-uuid", "event-1"}},
                                     "{}", "secret");
  ASSERT_TRUE(gitlab) << gitlab.error().text();
  EXPECT_EQ(gitlab->id, "event-1");
  const auto newer = verify_webhook(Forge::gitlab,
                                    {{"x-gitlab-token", "secret"},
                                     {"x-gitlab-event", "Push Hook"},
                                     {"x-gitlab-event-uuid", "event-1"},
                                     {"idempotency-key", "attempt-1"}},
                                    "{}", "secret");
  EXPECT_EQ(newer->id, "attempt-1");
  EXPECT_EQ(reason_of(verify_webhook(Forge::gitlab, {{"x-gitlab-token", "secreT"}}, "", "secret")),
            "signature_wrong");
  const auto gitea = verify_webhook(Forge::gitea,
                                    {{"x-gitea-signature", hmac_sha256_hex("secret", "{}")},
                                     {"x-gitea-event", "push"},
                                     {"x-gitea-delivery", "d"}},
                                    "{}", "secret");
  EXPECT_TRUE(gitea) << gitea.error().text();
}

TEST(Webhook, HeadersThatAreMissingOrNotTextAreRefusedAfterTheSignature) {
  const std::string signature = hmac_sha256_hex("k", "{}");
  EXPECT_EQ(reason_of(verify_webhook(Forge::gitea, {{"x-gitea-signature", signature}}, "{}", "k")),
            "webhook_header_invalid");
  EXPECT_EQ(reason_of(verify_webhook(Forge::gitea,
                                     {{"x-gitea-signature", signature},
                                      {"x-gitea-event", "push"},
                                      {"x-gitea-delivery", std::string(129, 'x')}},
                                     "{}", "k")),
            "webhook_header_invalid");
}

TEST(Webhook, APushNamesBranchAndCommits) {
  const struct {
    Forge forge;
    std::string event, author, message;
    Json body;
  } cases[] = {{Forge::github, "push", "ada", "one\ntwo", github_push()},
               {Forge::gitlab, "Push Hook", "", "new", gitlab_push()},
               {Forge::gitea, "push", "ada", "one\ntwo", gitea_push()}};
  for (const auto& each : cases) {
    const auto said = read_webhook(each.forge, {each.event, "d"}, to_text(each.body));
    ASSERT_TRUE(said && *said) << each.event;
    EXPECT_EQ((*said)->branch, "main");
    EXPECT_EQ((*said)->old_commit, old_commit);
    EXPECT_EQ((*said)->new_commit, new_commit);
    EXPECT_EQ((*said)->repository, "o/r");
    EXPECT_EQ((*said)->author, each.author);
    EXPECT_EQ((*said)->message, each.message);
  }
}

TEST(Webhook, OtherEventsSayNothing) {
  for (const auto& [forge, event] : {std::pair{Forge::github, "ping"},
                                     {Forge::github, "issues"},
                                     {Forge::gitlab, "Tag Push Hook"}}) {
    const auto said = read_webhook(forge, {event, "d"}, R"({"zen": "x", "hook_id": 1})");
    EXPECT_TRUE(said && !*said) << event;
  }
}

TEST(Webhook, TagsAndDeletedBranchesAreToldAsSuch) {
  Json body = github_push();
  body["after"] = zeros;
  EXPECT_EQ((*read_webhook(Forge::github, {"push", "d"}, to_text(body)))->new_commit, "");
  body["ref"] = "refs/tags/v1";
  EXPECT_FALSE((*read_webhook(Forge::github, {"push", "d"}, to_text(body)))->branch);
}

TEST(Webhook, BodiesThatAreNoPushAreRefused) {
  const std::string good = to_text(github_push());
  for (const std::string& body :
       {std::string(), std::string("payload=%7B%7D"), std::string("[]"), std::string("{}"),
        good.substr(0, good.size() / 2), std::string(1000, '['),
        std::string(R"({"ref": 1, "before": "", "after": ""})"),
        R"({"ref": "refs/heads/a..b", "before": ")" + old_commit + R"(", "after": ")" + new_commit +
            R"("})",
        R"({"ref": "refs/heads/main", "before": "HEAD", "after": ")" + new_commit + R"("})"}) {
    EXPECT_EQ(reason_of(read_webhook(Forge::github, {"push", "d"}, body)), "webhook_body_invalid")
        << body.substr(0, 80);
  }
  Json odd = github_push();
  odd["head_commit"] = "text";
  odd["commits"] = Json::array({1, nullptr, {{"id", 7}}});
  odd["pusher"] = Json::array();
  odd["repository"] = nullptr;
  EXPECT_TRUE(read_webhook(Forge::github, {"push", "d"}, to_text(odd)));
}

}  // namespace
}  // namespace rolesync::source
