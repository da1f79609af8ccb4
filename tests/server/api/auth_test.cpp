// SPDX-License-Identifier: Apache-2.0
// Who may do what: every route against nobody, a stranger, too little scope, and another node.
#include <gtest/gtest.h>

#include <regex>

#include "server/api/api.hpp"
#include "simulated_agent.hpp"

namespace rolesync {
namespace {

struct Probe {
  std::string method, path, policy, content_type;
};

std::vector<Probe> all_routes() {
  http::Router router({});
  alignas(std::max_align_t) static char nothing[1];
  api::Api api{reinterpret_cast<rollout::Engine&>(nothing), {}};
  api::add_routes(router, api);
  std::vector<Probe> probes;
  for (const auto& route : router.routes()) {
    const std::string path = std::regex_replace(route.path, std::regex("\\{[^}]*\\}"), "n1");
    probes.push_back({route.method, path, route.policy.text(), route.options.content_type});
  }
  return probes;
}

class AuthMatrix : public ::testing::Test {
 protected:
  // Streams answer to an upgrade only; StreamsAreRefused looks at them.
  static bool is_stream(const Probe& probe) {
    return probe.path.find("/streams/") != std::string::npos;
  }
  int status(const Probe& probe, const std::string& token) {
    const std::string body = probe.method == "GET" ? "" : "{}";
    return server.raw(probe.method, probe.path, body, token, {{"Content-Type", probe.content_type}})
        .status;
  }
  RunningServer server;
};

TEST_F(AuthMatrix, NobodyAndStrangersGet401) {
  for (const Probe& probe : all_routes()) {
    if (probe.policy == "open" || probe.policy == "signature" || is_stream(probe)) continue;
    EXPECT_EQ(status(probe, ""), 401) << probe.method << " " << probe.path;
    EXPECT_EQ(status(probe, "rs_" + std::string(64, '0')), 401) << probe.path;
    EXPECT_EQ(status(probe, "rsn_" + std::string(64, '0')), 401) << probe.path;
  }
}

TEST_F(AuthMatrix, TooLittleScopeGets403) {
  const std::string notify = server.new_token({"notify"});
  const std::string read = server.new_token({"read"});
  for (const Probe& probe : all_routes()) {
    if (probe.policy == "open" || probe.policy == "signature" || is_stream(probe)) continue;
    const int expected = probe.policy != "any token" ? 403 : probe.method == "GET" ? 200 : 204;
    EXPECT_EQ(status(probe, notify), expected) << probe.method << " " << probe.path;
    if (probe.policy == "any token") continue;
    const bool readable =
        probe.policy.starts_with("scope read") || probe.policy.starts_with("any node");
    if (readable) continue;
    EXPECT_EQ(status(probe, read), 403) << probe.method << " " << probe.path;
  }
}

TEST_F(AuthMatrix, ANodeSpeaksOnlyForItself) {
  SimulatedAgent first(server, "n1"), second(server, "n2");
  for (const Probe& probe : all_routes()) {
    if (probe.policy == "open" || probe.policy == "signature" || is_stream(probe)) continue;
    if (probe.policy.starts_with("any node")) continue;
    // The probes name n1, so the second node must be refused everywhere.
    EXPECT_EQ(status(probe, second.credential), 403) << probe.method << " " << probe.path;
  }
  EXPECT_EQ(first.beat().status, 200);
}

TEST_F(AuthMatrix, StreamsAreRefused) {
  SimulatedAgent first(server, "n1"), second(server, "n2");
  const auto refusal = [&](const std::string& token) -> std::string {
    auto client = HttpClient::create({server.url(), "", ""}, token);
    const auto stream = (*client)->open_stream("/api/nodes/n1/streams/x");
    return stream ? "opened" : stream.error().reason;
  };
  EXPECT_EQ(refusal(""), "login_required");
  EXPECT_EQ(refusal("rsn_" + std::string(64, '0')), "invalid_token");
  EXPECT_EQ(refusal(server.admin_token()), "other_node");
  EXPECT_EQ(refusal(second.credential), "other_node");
  EXPECT_EQ(refusal(first.credential), "stream_unknown");
}

TEST_F(AuthMatrix, ARemovedNodeIsAStranger) {
  SimulatedAgent agent(server, "n1");
  EXPECT_EQ(server.request("DELETE", "/api/nodes/n1").status, 204);
  EXPECT_EQ(agent.beat().status, 401);
  EXPECT_EQ(server.get("/api/nodes/n1").status, 404);
}

TEST_F(AuthMatrix, AJoinTokenIsGoodOnceAndForOneName) {
  const std::string token = server.post("/api/join-tokens", {{"node_id", "n1"}}).body.at("token");
  const auto join = [&](const std::string& node) {
    return server.raw("POST", "/api/join", to_text({{"token", token}, {"node_id", node}}));
  };
  EXPECT_EQ(join("n2").status, 401);
  EXPECT_EQ(join("n1").status, 201);
  EXPECT_EQ(join("n1").status, 401);
  EXPECT_EQ(server.get("/api/nodes").body.at("nodes").size(), 1u);
}

TEST_F(AuthMatrix, SecretsAreNotInTheDatabase) {
  SimulatedAgent agent(server, "n1");
  const std::string token = server.new_token({"read"});
  std::string grep;
  for (const auto& entry : std::filesystem::directory_iterator(server.directory() / "state")) {
    if (!entry.path().filename().string().starts_with("rolesync.db")) continue;
    FILE* file = fopen(entry.path().c_str(), "rb");
    ASSERT_TRUE(file);
    char buffer[65536];
    for (std::size_t n; (n = fread(buffer, 1, sizeof buffer, file)) > 0;) grep.append(buffer, n);
    fclose(file);
  }
  ASSERT_FALSE(grep.empty());
  for (const std::string& secret : {agent.credential, token, server.admin_token()}) {
    EXPECT_EQ(grep.find(secret.substr(4)), std::string::npos);
  }
}

}  // namespace
}  // namespace rolesync
