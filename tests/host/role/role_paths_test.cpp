// SPDX-License-Identifier: Apache-2.0
#include "host/role/role_paths.hpp"

#include <gtest/gtest.h>

namespace rolesync {
namespace {

Role role_with(std::vector<std::string> sources, std::string target = "/srv/app") {
  Role role;
  role.source_paths = std::move(sources);
  role.target_path = std::move(target);
  return role;
}

TEST(RolePaths, OneSourceGivesItsContents) {
  const Role role = role_with({"autobot-vue"});
  EXPECT_EQ(target_of(role, "autobot-vue/src/main.ts"), "src/main.ts");
  EXPECT_EQ(target_of(role, "autobot-vue2/x"), std::nullopt);
  EXPECT_EQ(target_of(role, "x/autobot-vue/y"), std::nullopt);
}

TEST(RolePaths, SeveralSourcesKeepTheirNames) {
  const Role role = role_with({"backend", "lib/src"});
  EXPECT_EQ(target_of(role, "backend/a.py"), "backend/a.py");
  EXPECT_EQ(target_of(role, "lib/src/b.py"), "src/b.py");
}

TEST(RolePaths, ExplicitMappingsWholeRepositoryAndSingleFile) {
  EXPECT_EQ(target_of(role_with({"a:x/y", "b:."}), "a/1"), "x/y/1");
  EXPECT_EQ(target_of(role_with({"a:x/y", "b:."}), "b/2"), "2");
  EXPECT_EQ(target_of(role_with({"."}), "deep/file"), "deep/file");
  EXPECT_EQ(target_of(role_with({"conf/app.toml"}), "conf/app.toml"), "app.toml");
}

TEST(RolePaths, ExcludedPathsAreNotTheRoles) {
  Role role = role_with({"src"});
  role.exclude = {"src/tests"};
  EXPECT_EQ(target_of(role, "src/tests/a"), std::nullopt);
  EXPECT_EQ(target_of(role, "src/testsuite"), "testsuite");
}

TEST(RolePaths, SharedTargetWithoutOverlap) {
  const Role backend = role_with({"backend", "src"}),
             server = role_with({"slm-server", "slm-admin"});
  EXPECT_EQ(ownership_overlap(backend, server), std::nullopt);
}

TEST(RolePaths, OverlapIsNamed) {
  EXPECT_EQ(ownership_overlap(role_with({"a"}), role_with({"b"})), "/srv/app");
  EXPECT_EQ(ownership_overlap(role_with({"a"}, "/srv"), role_with({"b"}, "/srv/app/x")),
            "/srv/app/x");
  EXPECT_EQ(ownership_overlap(role_with({"a", "src"}), role_with({"b", "lib/src"})),
            "/srv/app/src");
  EXPECT_EQ(ownership_overlap(role_with({}, ""), role_with({"b"})), std::nullopt);
}

}  // namespace
}  // namespace rolesync
