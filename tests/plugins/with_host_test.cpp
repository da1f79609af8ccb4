// SPDX-License-Identifier: Apache-2.0
// The built plugins in a real registry with the real services of a node: what FakeHost cannot tell
// is whether both sides mean the same fields.
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "host/plugin/registry.hpp"
#include "host/role/role.hpp"
#include "host/services/node_services.hpp"
#include "host/services/plugin_state.hpp"
#include "tests/place.hpp"

namespace rolesync::plugin {
namespace {

namespace fs = std::filesystem;

class WithHost : public testing::TestWithParam<bool> {
 protected:
  WithHost() {
    std::string name = fs::temp_directory_path() / "rolesync-with-host-XXXXXX";
    root_ = ::mkdtemp(name.data());
    fs::create_directory(root_ / "plugins");
    for (const char* kind : {"role", "detector", "deployer", "restart_strategy"}) {
      fs::copy(fs::path(build_directory()) / "plugins" / kind, root_ / "plugins" / kind);
      for (const auto& entry : fs::directory_iterator(root_ / "plugins" / kind)) {
        fs::permissions(entry, fs::perms::group_write | fs::perms::others_write,
                        fs::perm_options::remove);
      }
    }
    RegistryOptions options;
    auto& directories = GetParam() ? options.drop_in_directories : options.packaged_directories;
    directories.push_back(root_ / "plugins");
    options.private_directory = root_ / "private";
    options.plugin_host_program = fs::path(build_directory()) / "bin/rolesync-plugin-host";
    registry_ = std::make_unique<Registry>(std::move(options));
    state_ = std::make_unique<rolesync::PluginState>(root_ / "state");
  }
  ~WithHost() override { fs::remove_all(root_); }

  Result<Json> strategy(const std::string& id, const std::string& method, const Json& options) {
    NodeServicesOptions services;
    services.plugin = "restart_strategy." + id;
    services.state = state_.get();
    services.programs = RunAs{};
    services.directory = root_;
    services.log_root = root_ / "logs";
    services.private_root = root_ / "calls";
    NodeServices with(std::move(services));
    const Json request = {{"role", {{"role_name", "web"}, {"target_path", root_.string()}}},
                          {"options", options}};
    return registry_->call("restart_strategy", id, method, request,
                           {.time_limit = std::chrono::seconds(30), .services = &with});
  }

  fs::path root_;
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<rolesync::PluginState> state_;
};

INSTANTIATE_TEST_SUITE_P(, WithHost, testing::Bool(), [](const auto& instance) {
  return instance.param ? "isolated" : "inline";
});

TEST_P(WithHost, EveryBuiltPluginIsReady) {
  for (const PluginInfo& info : registry_->plugins()) {
    EXPECT_EQ(info.state, PluginState::ready) << info.path << " " << info.detail;
  }
  EXPECT_EQ(registry_->provided("role").size(), 7u);
  EXPECT_TRUE(registry_->has("detector", "path_service_port"));
  EXPECT_TRUE(registry_->has("deployer", "rsync_component"));
  EXPECT_EQ(registry_->provided("restart_strategy").size(), 4u);
}

TEST_P(WithHost, EveryRoleIsARole) {
  for (const Provided& provided : registry_->provided("role")) {
    const Result<Json> spec = registry_->call("role", provided.id, "spec", Json::object());
    ASSERT_TRUE(spec.ok()) << provided.id << ": " << spec.error().text();
    const Result<Role> role = role_from_json(*spec);
    ASSERT_TRUE(role.ok()) << provided.id << ": " << role.error().text();
    EXPECT_EQ(role->name, provided.id);
  }
}

TEST_P(WithHost, AProcessIsStartedKnownAgainAndStopped) {
  const Json options = {{"command", "sleep 1000"}};
  const Result<Json> started = strategy("process", "start", options);
  ASSERT_TRUE(started.ok()) << started.error().text();
  EXPECT_EQ(started->at("state"), "running");
  EXPECT_TRUE(started->at("started_at").is_string());
  EXPECT_EQ(strategy("process", "status", options)->at("state"), "running");
  const Result<Json> again = strategy("process", "restart", options);
  ASSERT_TRUE(again.ok()) << again.error().text();
  EXPECT_NE(again->at("detail"), started->at("detail")) << "the same pid";
  EXPECT_EQ(strategy("process", "stop", options)->at("state"), "stopped");
  EXPECT_EQ(strategy("process", "status", options)->at("state"), "stopped");
}

TEST_P(WithHost, ACommandRunsInTheTarget) {
  const Json options = {
      {"start", "touch started"}, {"stop", "rm started"}, {"status", "test -e started"}};
  const Result<Json> started = strategy("command", "start", options);
  ASSERT_TRUE(started.ok()) << started.error().text();
  EXPECT_EQ(started->at("state"), "running");
  EXPECT_TRUE(fs::exists(root_ / "started"));
  EXPECT_TRUE(strategy("command", "stop", options).ok());
  EXPECT_FALSE(fs::exists(root_ / "started"));
  EXPECT_EQ(strategy("command", "stop", options).error().reason, "command_failed");
}

TEST_P(WithHost, OptionsOfTheStrategiesAreChecked) {
  EXPECT_TRUE(registry_->check_options("restart_strategy", "process", {{"command", "x"}}).ok());
  EXPECT_FALSE(registry_->check_options("restart_strategy", "process", Json::object()).ok());
  EXPECT_TRUE(registry_->check_options("restart_strategy", "systemd", Json::object()).ok());
}

}  // namespace
}  // namespace rolesync::plugin
