// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/plugins/built_plugin.hpp"

namespace rolesync::testing {
namespace {

Json result_of(int exit_code, bool timed_out = false) {
  return {{"exit_code", exit_code},
          {"signal", 0},
          {"timed_out", timed_out},
          {"output", ""},
          {"errors", "first\nlast words\n"}};
}

class CommandStrategy : public ::testing::Test {
 protected:
  Json call(const std::string& method, const Json& options) {
    return strategy_.call(
        method, {{"role", {{"role_name", "r"}, {"target_path", "/srv/r"}}}, {"options", options}});
  }
  std::string refusal(const std::string& method, const Json& options) {
    try {
      call(method, options);
    } catch (const Error& error) {
      return error.reason() + ": " + error.what();
    }
    return "";
  }

  FakeHost host_;
  PluginInstance strategy_ =
      built_plugin("restart_strategy", "command").create("restart_strategy", "command", host_);
};

TEST_F(CommandStrategy, RunsTheRolesOwnCommandsInItsTarget) {
  host_.on("process.run", [](const Json&) { return result_of(0); });
  EXPECT_EQ(call("start", {{"start", "./ctl start --name 'a b'"}}).at("state"), "running");
  EXPECT_EQ(call("stop", {{"stop", R"(["./ctl", "stop $HOME; x"])"}}).at("state"), "stopped");
  const auto runs = host_.asked("process.run");
  EXPECT_EQ(runs.at(0).at("argv"), Json({"./ctl", "start", "--name", "a b"}));
  EXPECT_EQ(runs.at(0).at("directory"), "/srv/r");
  EXPECT_EQ(runs.at(1).at("argv"), Json({"./ctl", "stop $HOME; x"}));
}

TEST_F(CommandStrategy, StatusAnswersByItsExitCode) {
  const char* states[] = {"running", "failed", "failed", "stopped", "unknown"};
  for (int code = 0; code < 5; ++code) {
    host_.on("process.run", [code](const Json&) { return result_of(code); });
    EXPECT_EQ(call("status", {{"status", "s"}}).at("state"), states[code]);
  }
  host_.on("process.run", [](const Json&) { return result_of(-1, true); });
  EXPECT_EQ(call("status", {{"status", "s"}}).at("state"), "unknown");
  EXPECT_EQ(call("status", Json::object()).at("state"), "unknown");
}

TEST_F(CommandStrategy, RestartIsStopAndStartUnlessItHasItsOwn) {
  host_.on("process.run", [](const Json&) { return result_of(0); });
  call("restart", {{"start", "up"}, {"stop", "down"}});
  call("restart", {{"start", "up"}, {"stop", "down"}, {"restart", "again"}});
  std::vector<std::string> programs;
  for (const Json& run : host_.asked("process.run")) programs.push_back(run.at("argv").at(0));
  EXPECT_EQ(programs, (std::vector<std::string>{"down", "up", "again"}));
}

TEST_F(CommandStrategy, FailuresSayWhich) {
  host_.on("process.run", [](const Json&) { return result_of(7); });
  EXPECT_EQ(refusal("start", {{"start", "up"}}),
            "command_failed: start command of role r: exit 7: last words");
  EXPECT_EQ(refusal("start", Json::object()).substr(0, 14), "option_missing");
  for (const char* text : {"", "   ", "'open", "[]", "[1]", "[\"a\"", "[\"\"]"}) {
    EXPECT_EQ(refusal("start", {{"start", text}}).substr(0, 15), "invalid_command") << text;
  }
}

}  // namespace
}  // namespace rolesync::testing
