// SPDX-License-Identifier: Apache-2.0
// What operators and their tools look at: metrics that promtool takes, /readyz with its checks.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <regex>
#include <set>

#include "host/process/child.hpp"
#include "host/values/json.hpp"
#include "simulated_agent.hpp"

namespace rolesync {
namespace {

using ::testing::HasSubstr;

class Operations : public ::testing::Test {
 protected:
  std::string metrics() {
    return server.raw("GET", "/metrics", "", server.admin_token()).body.get<std::string>();
  }
  Json ready() { return server.get("/readyz?verbose").body; }
  std::map<std::string, std::string> levels() {
    std::map<std::string, std::string> found;
    const Json body = ready();
    for (const Json& check : body.at("checks")) found[check.at("check")] = check.at("level");
    return found;
  }
  RunningServer server;
};

// Where script/bootstrap puts it; a promtool of the machine does too.
std::string promtool() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const std::string base = cache ? cache : std::string(home ? home : "/root") + "/.cache";
  for (const std::string& place :
       {base + "/rolesync/promtool/promtool", std::string("/usr/bin/promtool")}) {
    if (std::filesystem::exists(place)) return place;
  }
  return "";
}

TEST_F(Operations, PromtoolFindsNothingWrongWithTheMetrics) {
  const std::string program = promtool();
  if (program.empty()) GTEST_SKIP() << "no promtool: run script/bootstrap";
  server.commit({{"web/a", "1"}});
  server.put("/api/code-source",
             {{"transport", "file"}, {"repository", server.repository().string()}});
  server.post("/api/code-sync/pull", Json::object());
  SimulatedAgent agent(server, "n1");
  agent.beat();
  ChildSpec lint;
  lint.argv = {program, "check", "metrics"};
  lint.environment = {{"PATH", "/usr/bin:/bin"}, {"HOME", "/nonexistent"}};
  lint.input = metrics();
  lint.output_cap = 1 << 20;
  const auto result = run_child(lint);
  ASSERT_TRUE(result) << result.error().text();
  EXPECT_EQ(result->exit_code, 0) << result->output << result->errors;
  EXPECT_EQ(result->output + result->errors, "");
}

TEST_F(Operations, MetricsCountWhatHappened) {
  const std::string before = metrics();
  for (int i = 0; i < 3; ++i) server.get("/api/nodes");
  server.get("/api/no-such-thing");
  SimulatedAgent agent(server, "n1");
  agent.beat();
  const std::string after = metrics();
  const auto number = [](const std::string& text, const std::string& name) {
    std::smatch found;
    EXPECT_TRUE(std::regex_search(text, found, std::regex("\n" + name + " ([0-9.e+]+)"))) << name;
    return found.empty() ? -1.0 : std::stod(found[1]);
  };
  EXPECT_GE(number(after, "rolesync_http_requests_total\\{code=\"2xx\"\\}"),
            number(before, "rolesync_http_requests_total\\{code=\"2xx\"\\}") + 3);
  EXPECT_GE(number(after, "rolesync_http_requests_total\\{code=\"4xx\"\\}"), 1);
  EXPECT_GE(number(after, "rolesync_heartbeats_total"), 1);
  EXPECT_EQ(number(after, "rolesync_nodes\\{state=\"online\"\\}"), 1);
  EXPECT_GE(number(after, "rolesync_http_request_duration_seconds_count"), 4);
  EXPECT_GT(number(after, "process_resident_memory_bytes"), 1e6);
}

// Whoever asks, and however many do, the number of series stays.
TEST_F(Operations, NoLabelTakesItsValueFromARequest) {
  const auto series = [&] {
    std::set<std::string> names;
    std::istringstream lines(metrics());
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("#")) names.insert(line.substr(0, line.rfind(' ')));
    }
    return names;
  };
  SimulatedAgent agent(server, "n1");
  agent.beat();
  const auto before = series();
  for (int i = 0; i < 20; ++i) {
    server.get("/api/nodes/made-up-" + std::to_string(i));
    server.get("/made/up/" + std::to_string(i));
    SimulatedAgent another(server, "m" + std::to_string(i));
    another.beat();
  }
  EXPECT_EQ(series(), before);
}

TEST_F(Operations, ReadyzTellsWhatItLookedAt) {
  EXPECT_EQ(server.raw("GET", "/readyz", "", "none").body.at("status"), "ready");
  auto found = levels();
  EXPECT_EQ(found["store"], "ok");
  EXPECT_EQ(found["engine"], "ok");
  EXPECT_EQ(found["plugins"], "ok");
  EXPECT_EQ(found["sources"], "warn");  // none is set
  EXPECT_TRUE(found.contains("space"));
  EXPECT_FALSE(found.contains("certificate"));
  server.put("/api/code-source", {{"transport", "file"}, {"repository", "/etc"}});
  server.post("/api/code-sync/pull", Json::object());
  const Json body = ready();
  EXPECT_EQ(body.at("status"), "ready");  // it works, somebody should look
  EXPECT_THAT(to_text(body), HasSubstr("the last fetch failed of: main"));
}

}  // namespace
}  // namespace rolesync
