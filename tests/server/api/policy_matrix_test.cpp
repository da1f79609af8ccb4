// SPDX-License-Identifier: Apache-2.0
// Every route x every kind of credential x own and other object, against the table of policies that
// openapi.yaml writes down (x-policy). The real authenticator looks the credentials up in a real
// database; no handler runs, so nothing that a route would do disturbs the next one. That the front
// asks the router before every handler is held by auth_test.cpp, over real connections.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <type_traits>

#include "host/values/hash.hpp"
#include "host/values/json.hpp"
#include "server/api/api.hpp"
#include "server/api/authenticator.hpp"
#include "server/api/web_session.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/node_credentials.hpp"
#include "server/store/nodes.hpp"
#include "server/store/tokens.hpp"
#include "server/store/web_sessions.hpp"
#include "tests/place.hpp"

namespace rolesync {
namespace {

namespace fs = std::filesystem;

static_assert(!std::is_default_constructible_v<http::Policy>, "no route without a policy");

struct Credential {
  std::string what;
  std::map<std::string, std::string> headers;
  enum class Kind { none, refused, token, node } kind = Kind::none;
  std::set<std::string> scopes, roles, nodes;
  std::string node;
  bool session = false, csrf = false;
  std::string refusal = "invalid_token";
};

struct Answer {
  int status = 0;  // 0: the handler would be called
  std::string reason;
  bool operator==(const Answer&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Answer& answer) {
  return out << answer.status << " " << answer.reason;
}

// The table, from the file alone.
std::map<std::string, std::string> table() {
  std::ifstream file(source_directory() + "/server/api/openapi.yaml");
  std::map<std::string, std::string> policies;
  std::string path, operation;
  const std::regex path_line("  (/[^:]*):"), method_line("    (get|put|post|delete):"),
      policy_line("      x-policy: (.*)");
  std::smatch match;
  for (std::string line; std::getline(file, line);) {
    if (line == "components:") break;
    if (std::regex_match(line, match, path_line)) path = match[1];
    if (std::regex_match(line, match, method_line)) {
      operation = match[1];
      for (char& c : operation) c = static_cast<char>(std::toupper(c));
      operation += " " + path;
    }
    if (std::regex_match(line, match, policy_line)) policies[operation] = match[1];
  }
  return policies;
}

// What the table says. `own`: the path names node n1 and role web, otherwise n2 and db.
Answer expected(const std::string& policy, const std::string& method, const Credential& who,
                bool own) {
  using Kind = Credential::Kind;
  if (policy == "open" || policy == "signature") return {};
  if (who.kind == Kind::refused) return {401, who.refusal};
  if (who.session && !who.csrf && method != "GET") return {403, "csrf_token_missing"};
  if (who.kind == Kind::none) return {401, "login_required"};
  const bool node = who.kind == Kind::node;
  if (policy == "node")
    return node && own == (who.node == "n1") ? Answer{} : Answer{403, "other_node"};
  if (policy == "any token") return node ? Answer{403, "scope_missing"} : Answer{};
  std::smatch match;
  std::string scope, rest;
  if (policy == "any node or scope read") {
    if (node) return {};
    scope = "read";
  } else {
    const std::regex form("scope ([a-z:]+)(.*)");
    EXPECT_TRUE(std::regex_match(policy, match, form)) << policy;
    scope = match[1];
    rest = match[2];
  }
  const bool granted =
      who.scopes.contains(scope) || (scope != "role:command" && who.scopes.contains("admin"));
  if (node || !granted) return {403, "scope_missing"};
  const bool restricted = !who.nodes.empty() || !who.roles.empty();
  if (!restricted || method == "GET" || rest == ", objects checked inside") return {};
  const bool node_fits = who.nodes.empty() || (rest.find(" on node {") != std::string::npos && own);
  const bool role_fits = who.roles.empty() || (rest.find(" on role {") != std::string::npos && own);
  return node_fits && role_fits ? Answer{} : Answer{403, "token_restricted"};
}

class PolicyMatrix : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "rolesync-matrix-XXXXXX").string();
    directory = ::mkdtemp(pattern.data());
    auto opened = store::open_sqlite({.file = directory / "rolesync.db"});
    ASSERT_TRUE(opened.ok()) << opened.error().text();
    store = std::move(*opened);
    const Status made = store->write([&](store::Session& s) { return fill(s); });
    ASSERT_TRUE(made.ok()) << made.error().text();
  }
  void TearDown() override {
    store.reset();
    std::error_code ignored;
    fs::remove_all(directory, ignored);
  }

  static std::map<std::string, std::string> bearer(const std::string& secret) {
    return {{"authorization", "Bearer " + secret}};
  }

  Status add_token(store::Session& s, const std::string& name, std::set<std::string> scopes,
                   std::set<std::string> roles = {}, std::set<std::string> nodes = {}) {
    store::Token token;
    token.id = token.name = name;
    token.hash = sha256_hex("rs_" + name);
    token.scopes = scopes;
    token.roles = roles;
    token.nodes = nodes;
    token.created_at = 1;
    if (name == "expired") token.expires_at = now - 1;
    if (Status added = store::add_token(s, token); !added) return added;
    if (name == "revoked") return store::revoke_token(s, name, "me", now);
    if (name == "expired") return {};
    credentials.push_back(
        {"token " + name, bearer("rs_" + name), Credential::Kind::token, scopes, roles, nodes});
    return {};
  }

  Status add_session(store::Session& s, const std::string& token, const std::string& secret,
                     Millis end) {
    if (Status added = store::add_web_session(s, {sha256_hex(secret), token, 1, end}); !added) {
      return added;
    }
    Credential with{"session of " + token,
                    {{"cookie", "rolesync_session=" + secret}},
                    Credential::Kind::token,
                    {token}};
    with.session = true;
    if (end <= now) {
      with.kind = Credential::Kind::refused;
      with.refusal = "session_ended";
    }
    credentials.push_back(with);
    if (end <= now) return {};
    with.csrf = true;
    with.headers["x-csrf-token"] = api::csrf_token(secret);
    credentials.push_back(with);
    with.headers["x-csrf-token"] = api::csrf_token(secret + "x");
    with.csrf = false;
    credentials.push_back(with);
    return {};
  }

  Status add_node(store::Session& s, const std::string& id) {
    store::Node node;
    node.id = id;
    node.credential_hash = sha256_hex("rsn_" + id);
    node.created_at = 1;
    if (Status added = store::add_node(s, node); !added) return added;
    Credential credential{"node " + id, bearer("rsn_" + id), Credential::Kind::node};
    credential.node = id;
    if (id == "gone") {
      credential.kind = Credential::Kind::refused;
      credential.refusal = "node_revoked";
    }
    credentials.push_back(credential);
    return id == "gone" ? store::revoke_node(s, id, "", now) : Status{};
  }

  Status fill(store::Session& s) {
    using Kind = Credential::Kind;
    credentials = {{"nobody", {}, Kind::none},
                   {"garbage", bearer("x"), Kind::refused},
                   {"an unknown token", bearer("rs_" + std::string(64, '0')), Kind::refused},
                   {"an unknown node", bearer("rsn_" + std::string(64, '0')), Kind::refused},
                   {"an expired token", bearer("rs_expired"), Kind::refused},
                   {"a revoked token", bearer("rs_revoked"), Kind::refused},
                   {"another scheme", {{"authorization", "Basic YWRtaW46YWRtaW4="}}, Kind::refused},
                   {"an empty header", {{"authorization", ""}}, Kind::refused}};
    Credential unknown{"an unknown session", {{"cookie", "rolesync_session=x"}}, Kind::refused};
    unknown.refusal = "session_ended";
    credentials.push_back(unknown);
    for (const char* scope :
         {"read", "sync", "approve", "rollback", "role:command", "admin", "notify"}) {
      if (Status added = add_token(s, scope, {scope}); !added) return added;
    }
    const std::set<std::string> all = {"admin", "role:command", "sync", "read"};
    if (Status a = add_token(s, "expired", {"admin"}); !a) return a;
    if (Status a = add_token(s, "revoked", {"admin"}); !a) return a;
    if (Status a = add_token(s, "of-roles", all, {"web"}); !a) return a;
    if (Status a = add_token(s, "of-nodes", all, {}, {"n1"}); !a) return a;
    if (Status a = add_token(s, "of-both", all, {"web"}, {"n1"}); !a) return a;
    for (const char* node : {"n1", "n2", "gone"}) {
      if (Status a = add_node(s, node); !a) return a;
    }
    for (const char* token : {"admin", "read", "notify"}) {
      if (Status a = add_session(s, token, std::string("secret-") + token, now + 60'000); !a) {
        return a;
      }
    }
    return add_session(s, "sync", "secret-old", now - 1);
  }

  const Millis now = rollout::now_millis();
  fs::path directory;
  std::unique_ptr<store::Store> store;
  std::vector<Credential> credentials;
};

TEST_F(PolicyMatrix, EveryRouteAnswersEveryCredentialAsTheTableSays) {
  http::Router router(api::authenticator(*store, {}));
  // Adding routes touches nothing of the engine; only calling them would.
  alignas(std::max_align_t) static char nothing[1];
  api::Api api{reinterpret_cast<rollout::Engine&>(nothing), {}};
  api::add_routes(router, api);
  const auto policies = table();
  std::size_t asked = 0, refused = 0;
  for (const auto& route : router.routes()) {
    const auto policy = policies.find(route.method + " " + route.path);
    ASSERT_NE(policy, policies.end()) << route.method << " " << route.path;
    for (const bool own : {true, false}) {
      const bool of_node = route.path.find("/nodes/") != std::string::npos;
      std::string path = std::regex_replace(route.path, std::regex("\\{id\\}"),
                                            of_node ? (own ? "n1" : "n2") : "x");
      path = std::regex_replace(path, std::regex("\\{(role|name)\\}"), own ? "web" : "db");
      path = std::regex_replace(path, std::regex("\\{[^}]*\\}"), "x");
      for (const Credential& who : credentials) {
        http::Request request;
        request.method = route.method;
        request.path = path;
        request.headers = who.headers;
        const auto matched = router.match(request);
        ASSERT_TRUE(std::holds_alternative<const http::Router::Route*>(matched)) << path;
        const auto* found = std::get<const http::Router::Route*>(matched);
        ASSERT_EQ(found->path, route.path);
        const auto refusal = router.refuse(*found, request);
        Answer answer;
        if (refusal) answer = {refusal->status, parse_json(refusal->body)->value("reason", "")};
        EXPECT_EQ(answer, expected(policy->second, route.method, who, own))
            << route.method << " " << path << " as " << who.what << "; policy: " << policy->second;
        ++asked;
        refused += refusal ? 1 : 0;
      }
    }
  }
  // A table that lets everybody in, or nobody, is none.
  EXPECT_GT(asked, 3'000u);
  EXPECT_GT(refused, asked / 3);
  EXPECT_LT(refused, asked * 9 / 10);
}

}  // namespace
}  // namespace rolesync
