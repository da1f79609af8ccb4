// SPDX-License-Identifier: Apache-2.0
#include "host/role/role.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace rolesync {
namespace {

const RoleDefaults defaults = {"mover", "zipper", "looker", "units", "nothing"};

Json backend() {
  return Json::parse(R"({
    "role_name": "backend", "source_paths": ["backend/", "src/"],
    "target_path": "/home/autobot/AutoBot/", "systemd_service": "autobot-backend",
    "health_check_port": 8001, "health_check_path": "/api/health",
    "post_sync_cmd": ["pip", "install", "-r", "requirements.txt"]})");
}

TEST(Role, ReadsAndWrites) {
  const auto role = role_from_json(backend());
  ASSERT_TRUE(role.ok()) << role.error().message;
  EXPECT_EQ(role->display_name, "backend");
  EXPECT_EQ(role->source_paths, (std::vector<std::string>{"backend", "src"}));
  EXPECT_EQ(role->target_path, "/home/autobot/AutoBot");
  EXPECT_EQ(role->health_check_port, 8001);
  const auto again = role_from_json(role_to_json(*role));
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(*again, *role);
}

TEST(Role, CommandAsTextMeansShell) {
  Json object = backend();
  object["post_sync_cmd"] = "npm ci && npm run build";
  const auto role = role_from_json(object);
  ASSERT_TRUE(role.ok());
  EXPECT_EQ(role->post_sync_cmd, (Command{"sh", "-c", "npm ci && npm run build"}));
  EXPECT_TRUE(uses_shell(role->post_sync_cmd));
  EXPECT_EQ(role_to_json(*role)["post_sync_cmd"], "npm ci && npm run build");
}

TEST(Role, CommandsAroundARestart) {
  Json object = backend();
  object["drain_cmd"] = {"lbctl", "out"};
  object["undrain_cmd"] = "lbctl in";
  object["command_timeout_seconds"] = 20;
  const auto role = role_from_json(object);
  ASSERT_TRUE(role.ok()) << role.error().message;
  EXPECT_EQ(role->drain_cmd, (Command{"lbctl", "out"}));
  EXPECT_TRUE(uses_shell(role->undrain_cmd));
  EXPECT_EQ(role->command_timeout_seconds, 20);
  EXPECT_EQ(*role_from_json(role_to_json(*role)), *role);
  std::string order;
  for (const NamedCommand& each : commands_of(*role)) order += std::string(each.field) + " ";
  EXPECT_EQ(order, "drain_cmd post_sync_cmd undrain_cmd ");
}

// What was deployed by an earlier version must not become outdated by an update of rolesync.
TEST(Role, RevisionsOfRolesThatDoNotUseNewFieldsStay) {
  const std::string before = "rr1:0a355461bddb40be080aad846a9908df0606582cdb94f67f5b9610a790fa3ae1";
  Role role = *role_from_json(backend());
  EXPECT_EQ(role_revision(role), before);
  role.drain_cmd = {"true"};
  const std::string drains = role_revision(role);
  EXPECT_NE(drains, before);
  role.command_timeout_seconds = 5;
  EXPECT_NE(role_revision(role), drains);
}

struct Bad {
  const char* name;
  const char* patch;  // merged into backend()
  const char* pointer;
};
std::ostream& operator<<(std::ostream& out, const Bad& bad) {
  return out << bad.patch;
}
class RoleRefuses : public testing::TestWithParam<Bad> {};

TEST_P(RoleRefuses, NamingTheField) {
  Json object = backend();
  object.merge_patch(Json::parse(GetParam().patch));
  const auto role = role_from_json(object);
  ASSERT_FALSE(role.ok());
  EXPECT_EQ(role.error().kind, ErrorKind::invalid);
  ASSERT_EQ(role.error().fields.size(), 1u) << role.error().message;
  EXPECT_EQ(role.error().fields[0].pointer, GetParam().pointer);
}

INSTANTIATE_TEST_SUITE_P(
    Fields, RoleRefuses,
    testing::Values(Bad{"unknown_field", R"({"port": 1})", "/port"},
                    Bad{"name", R"({"role_name": "Back End"})", "/role_name"},
                    Bad{"type", R"({"sync_type": "magic"})", "/sync_type"},
                    Bad{"parent_path", R"({"source_paths": ["../etc"]})", "/source_paths/0"},
                    Bad{"absolute_path", R"({"source_paths": ["ok", "/etc"]})", "/source_paths/1"},
                    Bad{"option_path", R"({"source_paths": ["-e sh"]})", "/source_paths/0"},
                    Bad{"mapping_out", R"({"source_paths": ["a:../b"]})", "/source_paths/0"},
                    Bad{"root_target", R"({"target_path": "/"})", "/target_path"},
                    Bad{"no_target", R"({"target_path": null})", "/target_path"},
                    Bad{"port", R"({"health_check_port": 70000})", "/health_check_port"},
                    Bad{"health_path", R"({"health_check_path": "/x y"})", "/health_check_path"},
                    Bad{"unit", R"({"systemd_service": "-a b"})", "/systemd_service"},
                    Bad{"command", R"({"pre_sync_cmd": [1]})", "/pre_sync_cmd"},
                    Bad{"drain", R"({"drain_cmd": [""]})", "/drain_cmd"},
                    Bad{"limit", R"({"command_timeout_seconds": 0})", "/command_timeout_seconds"},
                    Bad{"restart", R"({"auto_restart": "yes"})", "/auto_restart"}),
    [](const auto& test) { return test.param.name; });

TEST(Role, RevisionFollowsTheDefinition) {
  Role role = *role_from_json(backend());
  const std::string before = role_revision(role);
  EXPECT_EQ(role_revision(*role_from_json(role_to_json(role))), before);
  role.order = 5;
  EXPECT_NE(role_revision(role), before);
}

TEST(Role, DefaultsFollowTypeAndService) {
  Role role = *role_from_json(backend());
  ASSERT_TRUE(apply_defaults(role, defaults).ok());
  EXPECT_EQ(role.deployer, "mover");
  EXPECT_EQ(role.restart_strategy, "units");

  Role package;
  package.sync_type = SyncType::package;
  ASSERT_TRUE(apply_defaults(package, defaults).ok());
  EXPECT_EQ(package.deployer, "zipper");
  EXPECT_EQ(package.restart_strategy, "nothing");

  role.sync_type = SyncType::package;  // deployer stays "mover"
  const Status contradiction = apply_defaults(role, defaults);
  ASSERT_FALSE(contradiction.ok());
  EXPECT_EQ(contradiction.error().reason, "deployer_contradicts_sync_type");
}

}  // namespace
}  // namespace rolesync
