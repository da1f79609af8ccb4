// SPDX-License-Identifier: Apache-2.0
// The services plugins use, with real programs and files, and the refusals that protect a node.
#include "host/services/node_services.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/services/clock.hpp"
#include "host/services/process_identity.hpp"

namespace rolesync {
namespace {

class FakeUnits : public Units {
 public:
  std::map<std::string, UnitStatus> status(const std::vector<std::string>& units) override {
    std::map<std::string, UnitStatus> answer;
    for (const auto& unit : units)
      answer[unit] = {"loaded", "active", "running", "success", 5, {}, ""};
    return answer;
  }
  Result<UnitStatus> run(UnitAction, const std::string& unit, std::chrono::milliseconds,
                         const CancelFlag*) override {
    ran.push_back(unit);
    return UnitStatus{"loaded", "active", "running", "success", 5, {}, ""};
  }
  std::vector<std::string> ran;
};

class NodeServicesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = "/tmp/rolesync-services-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    std::filesystem::create_directory(directory_ + "/root");
    state_ = std::make_unique<PluginState>(directory_ + "/state");
    options_.plugin = "restart_strategy.test";
    options_.limits = {{directory_ + "/root"}, {"autobot-*"}, true, true};
    options_.units = &units_;
    options_.state = state_.get();
    options_.programs = RunAs{};
    options_.private_root = directory_ + "/private";
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  Result<Json> call(const char* service, const Json& request) {
    return NodeServices(options_).call(service, request);
  }
  std::string refusal(const char* service, const Json& request) {
    auto result = call(service, request);
    return result ? "" : result.error().reason;
  }

  std::string directory_;
  FakeUnits units_;
  std::unique_ptr<PluginState> state_;
  NodeServicesOptions options_;
};

TEST_F(NodeServicesTest, PathsOnlyUnderAllowedRoots) {
  std::ofstream(directory_ + "/root/file") << "x";
  EXPECT_EQ(*call("fs.exists", {{"path", directory_ + "/root/file"}}), true);
  EXPECT_EQ(*call("fs.exists", {{"path", directory_ + "/root/none"}}), false);
  EXPECT_EQ(refusal("fs.exists", {{"path", "/etc/passwd"}}), "path_not_allowed");
  EXPECT_EQ(refusal("fs.exists", {{"path", directory_ + "/root2"}}), "path_not_allowed");
  std::filesystem::create_symlink("/etc", directory_ + "/root/link");
  EXPECT_EQ(refusal("fs.exists", {{"path", directory_ + "/root/link/passwd"}}), "path_not_allowed");
}

TEST_F(NodeServicesTest, RequestsAreStrict) {
  EXPECT_EQ(refusal("fs.exists", {}), "invalid_request");
  EXPECT_EQ(refusal("fs.exists", {{"path", 1}}), "invalid_request");
  EXPECT_EQ(refusal("fs.exists", {{"path", "/x"}, {"more", 1}}), "invalid_request");
  EXPECT_EQ(refusal("process.run", {{"argv", "ls"}}), "invalid_request");
  EXPECT_EQ(refusal("fs.remove", {{"path", "/x"}}), "service_unknown");
  EXPECT_EQ(refusal("port.listening", {{"port", 1}}), "unsupported");  // no ports were given
}

TEST_F(NodeServicesTest, UnitsOnlyByAllowedGlobs) {
  auto status = call("service.restart", {{"unit", "autobot-frontend"}, {"timeout_seconds", 3}});
  ASSERT_TRUE(status.ok());
  EXPECT_EQ((*status)["active_state"], "active");
  EXPECT_EQ((*status)["started_at"], "1970-01-01T00:00:00.005Z");
  EXPECT_EQ(refusal("service.stop", {{"unit", "sshd"}, {"timeout_seconds", 3}}),
            "unit_not_allowed");
  EXPECT_EQ(units_.ran, std::vector<std::string>{"autobot-frontend"});
}

TEST_F(NodeServicesTest, RunsProgramsWithAMinimalEnvironment) {
  options_.environment = {{"ROLESYNC_ROLE", "frontend"}};
  auto result = call("process.run", {{"argv", {"env"}}, {"environment", {{"MORE", "1"}}}});
  ASSERT_TRUE(result.ok()) << result.error().message;
  const std::string output = (*result)["output"];
  for (const char* expected :
       {"PATH=", "HOME=", "LANG=C.UTF-8\n", "ROLESYNC_ROLE=frontend\n", "MORE=1\n"}) {
    EXPECT_NE(output.find(expected), std::string::npos) << expected << output;
  }
  EXPECT_EQ(std::count(output.begin(), output.end(), '\n'), 5) << output;

  result = call("process.run", {{"argv", {"sh", "-c", "exit 7"}}, {"input", "x"}});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ((*result)["exit_code"], 7);
  EXPECT_EQ((*result)["timed_out"], false);
}

TEST_F(NodeServicesTest, ProgramsNeedTheNodesConsent) {
  options_.programs = command_user({{}, {}, false, false}, 0, 0).error();
  EXPECT_EQ(refusal("process.run", {{"argv", {"true"}}}), "commands_not_allowed");
  EXPECT_EQ(refusal("process.start", {{"argv", {"true"}}}), "commands_not_allowed");
}

TEST_F(NodeServicesTest, PutsTheBridgeWhereAskedFor) {
  options_.plugin_host_program = "/opt/role sync/rolesync-plugin-host";
  auto result = call("process.run", {{"argv", {"printf", "%s|", "@connect", "x@connect"}}});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ((*result)["output"], "'/opt/role sync/rolesync-plugin-host' --bridge 3|x@connect|");
}

TEST_F(NodeServicesTest, KnowsAStartedProgramUntilItsEnd) {
  auto started = call("process.start", {{"argv", {"sleep", "1000"}},
                                        {"directory", "/"},
                                        {"environment", Json::object()},
                                        {"log", directory_ + "/root/log"}});
  ASSERT_TRUE(started.ok()) << started.error().message;
  auto status = call("process.status", *started);
  ASSERT_TRUE(status.ok());
  EXPECT_EQ((*status)["alive"], true);
  EXPECT_TRUE((*status)["started_at"].is_string());
  // What it is told it was started at is known on a clock that never jumps, too.
  NodeServices services(options_);
  ASSERT_TRUE(services.call("process.status", *started).ok());
  const auto at = from_rfc3339((*status)["started_at"].get<std::string>());
  ASSERT_TRUE(at.has_value());
  const auto since_boot = services.since_boot(*at);
  ASSERT_TRUE(since_boot.has_value());
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
      real_clock().monotonic().time_since_epoch());
  EXPECT_LT(*since_boot, now.count() + 20);
  EXPECT_GT(*since_boot, now.count() - 60'000);
  EXPECT_FALSE(services.since_boot(*at + 1).has_value());

  Json stranger = *started;
  stranger.erase("mark");  // by which it would be known all the same
  stranger["start_time"] = (*started)["start_time"].get<std::uint64_t>() + 1;
  EXPECT_EQ((*call("process.status", stranger))["alive"], false);
  stranger["signal"] = SIGKILL;
  EXPECT_TRUE(call("process.signal", stranger).ok());  // somebody else: not touched
  EXPECT_EQ((*call("process.status", *started))["alive"], true);

  Json end = *started;
  end["signal"] = SIGTERM;
  EXPECT_TRUE(call("process.signal", end).ok());
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while ((*call("process.status", *started))["alive"] == true &&
         std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ((*call("process.status", *started))["alive"], false);
  EXPECT_TRUE(call("process.signal", end).ok());
  EXPECT_EQ(refusal("process.start", {{"argv", {"true"}}, {"log", "/etc/rolesync-log"}}),
            "path_not_allowed");
}

TEST_F(NodeServicesTest, KeepsStateAcrossCallsAndProcesses) {
  EXPECT_TRUE(call("state.get", {{"key", "a"}})->is_null());
  ASSERT_TRUE(call("state.put", {{"key", "a"}, {"value", {{"pid", 7}}}}).ok());
  state_ = std::make_unique<PluginState>(directory_ + "/state");  // as after a restart
  options_.state = state_.get();
  EXPECT_EQ((*call("state.get", {{"key", "a"}}))["pid"], 7);
  options_.plugin = "restart_strategy.other";
  EXPECT_TRUE(call("state.get", {{"key", "a"}})->is_null());
  options_.plugin = "restart_strategy.test";
  ASSERT_TRUE(call("state.put", {{"key", "a"}, {"value", nullptr}}).ok());
  EXPECT_TRUE(call("state.get", {{"key", "a"}})->is_null());
  EXPECT_EQ(refusal("state.put", {{"key", "a"}, {"value", std::string(70'000, 'x')}}),
            "state_too_large");
}

TEST_F(NodeServicesTest, PrivateFilesGoWithTheCall) {
  std::string path;
  {
    NodeServices services(options_);
    auto written = services.call("fs.write_private", {{"name", "secrets"}, {"text", "s"}});
    ASSERT_TRUE(written.ok()) << written.error().message;
    path = (*written)["path"];
    EXPECT_EQ(std::filesystem::status(path).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    EXPECT_FALSE(services.call("fs.write_private", {{"name", "../x"}, {"text", ""}}).ok());
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Limits, RootFilesNeedAsRoot) {
  Limits limits{{}, {}, true, false};
  auto user = command_user(limits, 0, 0);
  if (::geteuid() == 0) {
    ASSERT_FALSE(user.ok());
    EXPECT_EQ(user.error().reason, "command_as_root");
    auto other = command_user(limits, 1000, 1001);
    ASSERT_TRUE(other.ok());
    EXPECT_EQ(other->uid, 1000u);
    EXPECT_EQ(other->gid, 1001u);
  } else {
    EXPECT_TRUE(user.ok());
  }
  limits.commands_as_root = true;
  EXPECT_TRUE(command_user(limits, 0, 0).ok());
}

}  // namespace
}  // namespace rolesync
