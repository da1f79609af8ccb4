// SPDX-License-Identifier: Apache-2.0
// Restarts without a sync on a whole agent: the order, its refusals, its repetition, and an agent
// that ends in the middle of one.
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "host/agent/agent.hpp"
#include "host/agent/identity.hpp"
#include "host/services/process_identity.hpp"
#include "host/values/json.hpp"
#include "tests/host/agent/stand_in_server.hpp"
#include "tests/place.hpp"

namespace rolesync::agent {
namespace {

namespace fs = std::filesystem;

class RoleActionStory : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = "/tmp/rolesync-action-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    fs::create_directories(directory_ + "/root/web");
    server_ = std::make_unique<StandInServer>(directory_ + "/server");
    server_->start();
    config_.node_id = "n1";
    config_.server_urls = {server_->url()};
    config_.state_dir = directory_ + "/state";
    config_.credential_file = directory_ + "/state/credential";
    for (const char* kind : {"deployer", "detector", "restart_strategy"}) {
      config_.plugin_dirs.push_back(build_directory() + "/plugins/" + kind);
    }
    config_.drop_in_dirs = {};
    config_.plugin_host = build_directory() + "/bin/rolesync-plugin-host";
    config_.limits = {{directory_ + "/root"}, {}, true, true};
    config_.health_limit = std::chrono::seconds(10);
    role_.name = "web";
    role_.source_paths = {"web"};
    role_.target_path = directory_ + "/root/web";
    role_.deployer = "rsync_component";
    role_.detector = "path_service_port";
    role_.restart_strategy = "command";
    role_.restart_options = {{"start", "touch running"},
                             {"stop", "rm -f running"},
                             {"restart", "sh restart"},
                             {"status", "sh -c 'test -e running || exit 3'"}};
    script("echo restarted >>log; touch running");
    server_->define({role_});
  }
  void TearDown() override {
    agent_.reset();
    server_.reset();
    fs::remove_all(directory_);
  }
  void script(const std::string& text) const { std::ofstream(target("restart")) << text << "\n"; }
  std::string target(const std::string& path) const { return role_.target_path + "/" + path; }
  void join_and_start() {
    Status joined = join(config_, server_->url(), "rsj.abcd.-");
    ASSERT_TRUE(joined.ok()) << joined.error().text();
    start();
  }
  void start() {
    auto agent = Agent::start(config_);
    ASSERT_TRUE(agent.ok()) << agent.error().text();
    agent_ = std::move(*agent);
  }
  void order(const std::string& id, const std::string& action, std::uint64_t fence,
             const std::string& command = "") {
    server_->order(command.empty() ? "cmd_" + id : command, "control",
                   {{"task_id", id}, {"action", action}, {"role", role_to_json(role_)}}, fence);
  }
  Json end_of(const std::string& id) {
    return server_->event([&](const Json& event) {
      return event["task_id"] == id &&
             (event["state"] == "succeeded" || event["state"] == "failed");
    });
  }
  int restarts() const {
    std::ifstream log(target("log"));
    int count = 0;
    for (std::string line; std::getline(log, line);) ++count;
    return count;
  }

  std::string directory_;
  AgentConfig config_;
  Role role_;
  std::unique_ptr<StandInServer> server_;
  std::unique_ptr<Agent> agent_;
};

TEST_F(RoleActionStory, RestartsStopsAndStarts) {
  join_and_start();
  order("act_1", "restart", 1);
  EXPECT_EQ(end_of("act_1")["state"], "succeeded");
  EXPECT_EQ(restarts(), 1);
  order("act_2", "stop", 2);
  EXPECT_EQ(end_of("act_2")["state"], "succeeded");
  EXPECT_FALSE(fs::exists(target("running")));
  order("act_3", "start", 3);
  EXPECT_EQ(end_of("act_3")["state"], "succeeded");
  EXPECT_TRUE(fs::exists(target("running")));
  script("exit 7");
  order("act_4", "restart", 4);
  EXPECT_EQ(end_of("act_4")["reason"], "command_failed");
  script("rm -f running");  // it says that it was started, and does not run
  order("act_5", "restart", 5);
  EXPECT_EQ(end_of("act_5")["reason"], "health_check_failed");
  EXPECT_TRUE(fs::is_empty(config_.state_dir + "/actions"));
}

TEST_F(RoleActionStory, RefusesBeforeAnythingStarts) {
  config_.limits.allowed_units = {"app-*"};
  join_and_start();
  const Role usual = role_;
  role_.restart_strategy = "carrier_pigeon";
  order("act_1", "restart", 1);
  EXPECT_EQ(end_of("act_1")["reason"], "plugin_missing");
  role_ = usual;
  role_.target_path = directory_ + "/root/other";
  order("act_2", "restart", 2);
  EXPECT_EQ(end_of("act_2")["reason"], "role_not_installed");
  role_.target_path = directory_ + "/elsewhere";
  order("act_3", "restart", 3);
  EXPECT_EQ(end_of("act_3")["reason"], "path_not_allowed");
  role_ = usual;
  role_.restart_strategy = "systemd";
  role_.systemd_service = "web";
  role_.restart_options = {{"instances", "1 2"}};
  order("act_4", "restart", 4);
  EXPECT_EQ(end_of("act_4")["reason"], "unit_not_allowed");
  order("act_5", "explode", 5);
  EXPECT_EQ(end_of("act_5")["reason"], "invalid_command");
  EXPECT_EQ(restarts(), 0);
}

TEST_F(RoleActionStory, AnOrderIsObeyedOnceAndAnOlderOneNever) {
  join_and_start();
  order("act_1", "restart", 5);
  ASSERT_EQ(end_of("act_1")["state"], "succeeded");
  order("act_0", "restart", 4);
  EXPECT_EQ(end_of("act_0")["reason"], "stale_fence");
  // The same order under another command: the server's memory of the acknowledgement was lost.
  order("act_1", "restart", 5, "cmd_other");
  order("act_2", "restart", 6);
  EXPECT_EQ(end_of("act_2")["state"], "succeeded");
  EXPECT_EQ(restarts(), 2);
}

TEST_F(RoleActionStory, AnAgentThatEndsInTheMiddleDoesItAgain) {
  script("echo restarted >>log; test -e go || exec sleep 60; touch running");
  join_and_start();
  order("act_1", "restart", 1);
  ASSERT_FALSE(server_->event([](const Json& e) { return e["state"] == "restarting"; }).is_null());
  agent_.reset();
  ASSERT_FALSE(fs::is_empty(config_.state_dir + "/actions"));
  std::ofstream(target("go")) << "";
  start();
  EXPECT_EQ(end_of("act_1")["state"], "succeeded");
  EXPECT_FALSE(fs::exists(config_.state_dir + "/actions/act_1.json"));
}

}  // namespace
}  // namespace rolesync::agent
