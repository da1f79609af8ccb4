// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <rolesync/role.hpp>
#include <rolesync/testing/plugin.hpp>

namespace rolesync {
namespace {

TEST(Role, TheDesignedRoleSaysWhatTheDesignMeans) {
  testing::FakeHost host;
  const testing::Plugin plugin(*rolesync_plugin);
  const Json descriptor = plugin.descriptor();
  EXPECT_EQ(descriptor.at("name"), "frontend");
  EXPECT_EQ(descriptor.at("version"), "1.0.0");
  EXPECT_EQ(descriptor.at("provides").at(0).at("kind"), "role");
  EXPECT_EQ(plugin.create("role", "frontend", host).call("spec"), Json::parse(R"({
    "role_name": "frontend", "source_paths": ["autobot-vue/"],
    "target_path": "/home/autobot/autobot-vue", "systemd_service": "autobot-frontend",
    "health_check_port": 5173, "auto_restart": true, "post_sync_cmd": ["npm", "install"]})"));
}

TEST(Role, EverySetterHasItsField) {
  Role role("r");
  role.display_name("R").summary("not a field").source("a/").source("b:c").target("/srv/r");
  role.exclude("a/x").package().code_source("other").service("u").restart(Restart::manual);
  role.port(80).health("/ok").before_sync({"x", "y"}).after_sync_shell("a && b");
  role.deployer("d").detector("e").strategy("s", {{"k", "v"}}).swap().carry("data");
  role.stop_for_switch().refuse_drift().owner("u:g").order(7).updates_agent().required();
  role.drain({"lb", "out"}).undrain_shell("lb in").command_timeout(30);
  EXPECT_EQ(role.summary(), "not a field");
  EXPECT_EQ(role.fields(), Json::parse(R"({
    "role_name": "r", "display_name": "R", "source_paths": ["a/", "b:c"], "target_path": "/srv/r",
    "exclude": ["a/x"], "sync_type": "package", "code_source": "other", "systemd_service": "u",
    "auto_restart": false, "health_check_port": 80, "health_check_path": "/ok",
    "pre_sync_cmd": ["x", "y"], "post_sync_cmd": "a && b", "deployer": "d", "detector": "e",
    "restart_strategy": "s", "restart_options": {"k": "v"}, "activation": "swap",
    "carry": ["data"], "switch": "stopped", "on_drift": "refuse", "owner": "u:g", "order": 7,
    "self": "agent", "required": true, "drain_cmd": ["lb", "out"], "undrain_cmd": "lb in",
    "command_timeout_seconds": 30})"));
}

TEST(Role, WhatIsNotSaidIsNotThere) {
  EXPECT_EQ(Role("r").fields(), Json({{"role_name", "r"}}));
}

}  // namespace
}  // namespace rolesync
