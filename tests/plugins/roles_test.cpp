// SPDX-License-Identifier: Apache-2.0
// The seven default roles, field by field as the design's table has them.
#include <gtest/gtest.h>

#include "tests/plugins/built_plugin.hpp"

namespace rolesync::testing {
namespace {

Json spec(const std::string& id) {
  FakeHost host;
  const Plugin plugin = built_plugin("role", id);
  EXPECT_EQ(plugin.descriptor().at("name"), id);
  const Json fields = plugin.create("role", id, host).call("spec");
  EXPECT_TRUE(host.asked().empty()) << "a role asks for nothing";
  return fields;
}

TEST(Roles, CodeSource) {
  EXPECT_EQ(spec("code-source"),
            Json({{"role_name", "code-source"}, {"display_name", "Code source"}}));
}

TEST(Roles, Backend) {
  EXPECT_EQ(spec("backend"), Json::parse(R"({
    "role_name": "backend", "display_name": "Backend", "source_paths": ["backend/", "src/"],
    "target_path": "/home/autobot/AutoBot", "systemd_service": "autobot-backend",
    "auto_restart": false, "health_check_port": 8001, "health_check_path": "/api/health"})"));
}

TEST(Roles, Frontend) {
  EXPECT_EQ(spec("frontend"), Json::parse(R"({
    "role_name": "frontend", "source_paths": ["autobot-vue/"],
    "target_path": "/home/autobot/autobot-vue", "systemd_service": "autobot-frontend",
    "auto_restart": true, "health_check_port": 5173, "post_sync_cmd": ["npm", "install"]})"));
}

TEST(Roles, SlmServer) {
  EXPECT_EQ(spec("slm-server"), Json::parse(R"({
    "role_name": "slm-server", "display_name": "SLM server",
    "source_paths": ["slm-server/", "slm-admin/"], "target_path": "/home/autobot/AutoBot",
    "systemd_service": "slm-backend", "auto_restart": false, "health_check_port": 8000,
    "health_check_path": "/api/health", "order": 900})"));
}

TEST(Roles, SlmAgent) {
  EXPECT_EQ(spec("slm-agent"), Json::parse(R"({
    "role_name": "slm-agent", "display_name": "SLM agent", "source_paths": ["src/slm/agent/"],
    "target_path": "/opt/slm-agent", "systemd_service": "slm-agent", "auto_restart": true,
    "order": 910})"));
}

TEST(Roles, NpuWorker) {
  EXPECT_EQ(spec("npu-worker"), Json::parse(R"({
    "role_name": "npu-worker", "display_name": "NPU worker", "sync_type": "package",
    "source_paths": ["resources/windows-npu-worker"], "target_path": "C:\\AutoBot\\npu",
    "systemd_service": "AutoBotNPUWorker", "restart_strategy": "windows_service",
    "auto_restart": false, "health_check_port": 8082})"));
}

TEST(Roles, BrowserService) {
  EXPECT_EQ(spec("browser-svc"), Json::parse(R"({
    "role_name": "browser-svc", "display_name": "Browser service",
    "source_paths": ["browser-service/"], "target_path": "/home/autobot/browser",
    "systemd_service": "autobot-browser", "auto_restart": true, "health_check_port": 3000})"));
}

TEST(Roles, AnUnknownMethodIsUnsupported) {
  FakeHost host;
  const auto role = built_plugin("role", "frontend").create("role", "frontend", host);
  try {
    role.call("explode");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::unsupported);
  }
}

}  // namespace
}  // namespace rolesync::testing
