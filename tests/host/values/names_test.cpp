// SPDX-License-Identifier: Apache-2.0
#include "host/values/names.hpp"

#include <gtest/gtest.h>

namespace rolesync {
namespace {

TEST(Names, NodeAndRoleNames) {
  for (const char* good : {"a", "7", "node-1", "slm-server", "a--b"})
    EXPECT_TRUE(is_name(good)) << good;
  for (const char* bad : {"", "-a", "a-", "A", "a_b", "a b", "a/b", "..", "\xc3\xbc", "a\n"}) {
    EXPECT_FALSE(is_name(bad)) << bad;
  }
  EXPECT_TRUE(is_name(std::string(63, 'x')));
  EXPECT_FALSE(is_name(std::string(64, 'x')));
}

TEST(Names, Commits) {
  EXPECT_TRUE(is_commit(std::string(40, 'a')));
  EXPECT_TRUE(is_commit(std::string(64, '0')));
  for (const std::string& bad : {std::string(39, 'a'), std::string(40, 'A'), std::string(40, 'g'),
                                 std::string("--upload-pack=touch"), std::string()}) {
    EXPECT_FALSE(is_commit(bad)) << bad;
  }
}

TEST(Names, Branches) {
  for (const char* good : {"main", "feature/x", "v1.2", "\xc3\xbc"})
    EXPECT_TRUE(is_branch(good)) << good;
  for (const char* bad : {"", "-x", "a..b", "a b", "a~1", "a:b", "/a", "a/", "a//b", "x.lock", "@",
                          "a@{1}", "a\\b", "a."}) {
    EXPECT_FALSE(is_branch(bad)) << bad;
  }
}

TEST(Names, RelativePaths) {
  for (const char* good : {"a", "a/b c/\n", "-e sh", ".env", "..a"}) {
    EXPECT_TRUE(is_relative_path(good)) << good;
  }
  for (const char* bad : {"", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a/."}) {
    EXPECT_FALSE(is_relative_path(bad)) << bad;
  }
  EXPECT_FALSE(is_relative_path(std::string("a\0b", 3)));
}

TEST(Names, TargetPaths) {
  for (const char* good : {"/srv/app", "/home/a b", "C:\\AutoBot\\npu"}) {
    EXPECT_TRUE(check_target_path(good).ok()) << good;
  }
  for (const char* bad : {"", "/", "srv", "/srv/../etc", "/srv/", "//srv", "/srv//a", "/srv/./a",
                          "/a\nb", "C:\\", "C:\\a\\..\\b"}) {
    EXPECT_FALSE(check_target_path(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace rolesync
