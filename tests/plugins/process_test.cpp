// SPDX-License-Identifier: Apache-2.0
// The process strategy with real processes; only their identity is simplified to the pid.
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "tests/plugins/built_plugin.hpp"
#include "tests/plugins/real_host.hpp"

namespace rolesync::testing {
namespace {

namespace fs = std::filesystem;

// Gone, or a zombie that only its reaper has not seen yet.
bool is_alive(int pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  const auto name_end = text.rfind(')');
  return name_end != std::string::npos && text[name_end + 2] != 'Z';
}

class ProcessStrategy : public ::testing::Test {
 protected:
  ProcessStrategy() {
    std::string name = fs::temp_directory_path() / "rolesync-process-XXXXXX";
    root_ = ::mkdtemp(name.data());
    host_.on("process.start", [this](const Json& request) -> Json {
      const int pid = start_program(request.at("argv"), request.at("directory"),
                                    request.at("environment"), root_ / request.at("log"));
      started_.insert(pid);
      return {{"pid", pid}, {"start_time", 1}, {"boot_id", "b"}};
    });
    host_.on("process.status", [](const Json& request) -> Json {
      const bool alive = is_alive(request.at("pid"));
      return {{"alive", alive}, {"started_at", alive ? Json("2026-01-01T00:00:00.000Z") : Json()}};
    });
    host_.on("process.signal", [](const Json& request) -> Json {
      ::kill(-request.at("pid").get<int>(), request.at("signal"));
      return Json::object();
    });
  }
  ~ProcessStrategy() override {
    for (const int pid : started_) {
      if (is_alive(pid)) ::kill(-pid, SIGKILL);
    }
    fs::remove_all(root_);
  }

  Json call(const std::string& method, Json options = Json::object()) {
    options["directory"] = root_.string();
    return strategy_.call(method, {{"role", {{"role_name", "web"}}}, {"options", options}});
  }
  int pid() const {
    return static_cast<int>(std::get<std::int64_t>(host_.state.at("web").at("pid")));
  }

  fs::path root_;
  FakeHost host_;
  std::set<int> started_;
  PluginInstance strategy_ =
      built_plugin("restart_strategy", "process").create("restart_strategy", "process", host_);
};

TEST_F(ProcessStrategy, StartsRemembersAndStops) {
  EXPECT_EQ(call("status").at("state"), "stopped");
  const Json running = call("start", {{"command", "sleep 1000"}});
  EXPECT_EQ(running.at("state"), "running");
  EXPECT_EQ(running.at("started_at"), "2026-01-01T00:00:00.000Z");
  const int first = pid();
  EXPECT_TRUE(is_alive(first));
  call("start", {{"command", "sleep 1000"}});
  EXPECT_EQ(pid(), first) << "a start of what runs is no second process";
  EXPECT_EQ(call("restart", {{"command", "sleep 1000"}}).at("state"), "running");
  EXPECT_NE(pid(), first);
  EXPECT_FALSE(is_alive(first));
  const int second = pid();
  EXPECT_EQ(call("stop").at("state"), "stopped");
  EXPECT_FALSE(is_alive(second));
  EXPECT_TRUE(host_.state.empty());
  EXPECT_EQ(call("stop").at("state"), "stopped");
}

TEST_F(ProcessStrategy, AProgramThatIgnoresTermIsKilled) {
  call("start", {{"command", R"(["sh", "-c", "trap '' TERM; while :; do sleep 1000; done"])"}});
  const int stubborn = pid();
  // The trap may not be set yet at the first TERM; either way the process must be gone.
  EXPECT_EQ(call("stop", {{"stop_seconds", "0"}}).at("state"), "stopped");
  EXPECT_FALSE(is_alive(stubborn));
}

TEST_F(ProcessStrategy, AProgramThatEndsByItselfIsSeen) {
  try {
    call("start", {{"command", "sh -c 'echo broken; exit 3'"}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.reason(), "process_ended_at_once");
    EXPECT_NE(error.hint().find("web.log"), std::string::npos);
  }
  std::ifstream log(root_ / "web.log");
  std::string line;
  std::getline(log, line);
  EXPECT_EQ(line, "broken");
  const Json status = call("status");
  EXPECT_EQ(status.at("state"), "failed");
  EXPECT_EQ(call("start", {{"command", "sleep 1000"}}).at("state"), "running");
}

TEST_F(ProcessStrategy, WithoutACommandNothingStarts) {
  EXPECT_THROW(call("start"), Error);
  EXPECT_TRUE(host_.asked("process.start").empty());
}

}  // namespace
}  // namespace rolesync::testing
