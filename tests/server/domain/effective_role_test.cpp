// SPDX-License-Identifier: Apache-2.0
// A role is its plugin's spec, overridden field by field, filled up by defaults.
#include "server/domain/effective_role.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace rolesync::domain {
namespace {

const RoleDefaults defaults = {"mover", "zipper", "looker", "unit", "nothing"};
const Json spec = {{"role_name", "web"},
                   {"source_paths", {"web/"}},
                   {"target_path", "/srv/web"},
                   {"systemd_service", "web"},
                   {"auto_restart", true}};

TEST(EffectiveRole, TakesPluginValuesAndDefaults) {
  const auto role = effective_role("web", spec, Json(), defaults);
  ASSERT_TRUE(role) << role.error().text();
  EXPECT_EQ(role->role.target_path, "/srv/web");
  EXPECT_EQ(role->role.deployer, "mover");
  EXPECT_EQ(role->role.restart_strategy, "unit");
  EXPECT_EQ(role->plugin, "web");
  EXPECT_EQ(role->provenance.at("target_path"), "plugin");
  EXPECT_EQ(role->provenance.at("deployer"), "default");
}

TEST(EffectiveRole, OverridesWinFieldByField) {
  const auto role = effective_role("web", spec, {{"target_path", "/opt/web"}}, defaults);
  ASSERT_TRUE(role) << role.error().text();
  EXPECT_EQ(role->role.target_path, "/opt/web");
  EXPECT_EQ(role->role.systemd_service, "web");
  EXPECT_EQ(role->provenance.at("target_path"), "override");
}

TEST(EffectiveRole, AnOverrideMakesAnotherRevisionAndBackAgainTheSame) {
  const auto plain = effective_role("web", spec, Json(), defaults);
  const auto other = effective_role("web", spec, {{"order", 7}}, defaults);
  const auto same = effective_role("web", spec, {{"target_path", "/srv/web/"}}, defaults);
  EXPECT_NE(plain->revision, other->revision);
  EXPECT_EQ(plain->revision, same->revision);
}

TEST(EffectiveRole, LivesInTheDatabaseOnly) {
  const auto role = effective_role(
      "jobs", Json(), {{"source_paths", {"jobs"}}, {"target_path", "/srv/jobs"}}, defaults);
  ASSERT_TRUE(role) << role.error().text();
  EXPECT_EQ(role->plugin, "");
  EXPECT_EQ(role->role.restart_strategy, "nothing");
}

TEST(EffectiveRole, RefusesWhatDoesNotFit) {
  EXPECT_EQ(effective_role("web", spec, {{"role_name", "other"}}, defaults).error().reason,
            "role_name_mismatch");
  EXPECT_EQ(effective_role("web", spec, {{"sync_type", "package"}, {"deployer", "mover"}}, defaults)
                .error()
                .reason,
            "deployer_contradicts_sync_type");
  const auto bad = effective_role("web", spec, {{"target_path", "/"}}, defaults);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().fields.at(0).pointer, "/target_path");
}

TEST(OverridesFor, KeepsOnlyWhatDiffersFromThePlugin) {
  Json wanted = role_to_json(effective_role("web", spec, Json(), defaults)->role);
  wanted["health_check_port"] = 8080;
  const auto overrides = overrides_for("web", spec, wanted, defaults);
  ASSERT_TRUE(overrides) << overrides.error().text();
  EXPECT_EQ(*overrides, (Json{{"health_check_port", 8080}}));
}

TEST(OverridesFor, KeepsEverythingWithoutAPlugin) {
  const auto overrides = overrides_for(
      "jobs", Json(), {{"source_paths", {"jobs/"}}, {"target_path", "/srv/jobs"}}, defaults);
  ASSERT_TRUE(overrides) << overrides.error().text();
  EXPECT_EQ(*overrides, (Json{{"source_paths", {"jobs"}}, {"target_path", "/srv/jobs"}}));
}

TEST(OverridesFor, RefusesUnknownFields) {
  const auto bad = overrides_for("web", spec, {{"targetpath", "/srv"}}, defaults);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().fields.at(0).pointer, "/targetpath");
}

}  // namespace
}  // namespace rolesync::domain
