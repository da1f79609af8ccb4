// SPDX-License-Identifier: Apache-2.0
// The hook lands in a real repository and keeps what was there.
#include "host/cli/hook_install.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "host/cli/demo/git.hpp"

namespace rolesync::cli {
namespace {

namespace fs = std::filesystem;

class HookInstallTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "rolesync-hook.XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = fs::canonical(pattern);
    ASSERT_TRUE(DemoGit(directory_).run({"init", "--quiet"}).ok());
  }
  void TearDown() override { fs::remove_all(directory_); }

  static std::string read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static mode_t mode_of(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
  }

  std::string directory_;
  const HookFiles files_{"#!/bin/sh\n# keeps x.before-rolesync\n", "key", {"post-commit"}};
};

TEST_F(HookInstallTest, WritesScriptAndPrivateKey) {
  const auto place = find_hook_place(directory_);
  ASSERT_TRUE(place.ok()) << place.error().text();
  EXPECT_EQ(place->directory, directory_ + "/.git/hooks");
  ASSERT_TRUE(install_hook(*place, files_).ok());
  EXPECT_EQ(read(place->directory + "/post-commit"), files_.script);
  EXPECT_EQ(mode_of(place->directory + "/post-commit"), 0755u);
  EXPECT_EQ(read(place->key_file()), "key\n");
  EXPECT_EQ(mode_of(place->key_file()), 0600u);
}

TEST_F(HookInstallTest, NamesTheProgramsThatAreMissing) {
  const std::string before = ::getenv("PATH");
  for (const char* name : {"git", "openssl"}) {
    std::ofstream(directory_ + "/" + name) << "#!/bin/sh\n";
    fs::permissions(directory_ + "/" + name, fs::perms::owner_all);
  }
  ::setenv("PATH", directory_.c_str(), 1);
  const Status checked = check_hook_programs();
  ::setenv("PATH", before.c_str(), 1);
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().reason, "program_missing");
  EXPECT_NE(checked.error().message.find(": curl"), std::string::npos) << checked.error().text();
  EXPECT_TRUE(check_hook_programs().ok());
}

TEST_F(HookInstallTest, KeepsAnOlderHookOnce) {
  const auto place = find_hook_place(directory_);
  ASSERT_TRUE(place.ok());
  const std::string hook = place->directory + "/post-commit";
  fs::create_directories(place->directory);
  std::ofstream(hook) << "#!/bin/sh\necho theirs\n";
  ASSERT_TRUE(install_hook(*place, files_).ok());
  ASSERT_TRUE(install_hook(*place, files_).ok());  // again: ours is replaced, theirs stays theirs
  EXPECT_EQ(read(hook), files_.script);
  EXPECT_EQ(read(hook + ".before-rolesync"), "#!/bin/sh\necho theirs\n");
}

TEST_F(HookInstallTest, RefusesWhenTwoHooksWantOnePlace) {
  const auto place = find_hook_place(directory_);
  ASSERT_TRUE(place.ok());
  const std::string hook = place->directory + "/post-commit";
  fs::create_directories(place->directory);
  std::ofstream(hook) << "theirs";
  std::ofstream(hook + ".before-rolesync") << "older";
  const auto installed = install_hook(*place, files_);
  ASSERT_FALSE(installed.ok());
  EXPECT_EQ(installed.error().reason, "hook_in_the_way");
  EXPECT_EQ(read(hook), "theirs");
}

TEST_F(HookInstallTest, RefusesAHookNameThatIsAPath) {
  const auto place = find_hook_place(directory_);
  ASSERT_TRUE(place.ok());
  HookFiles bad = files_;
  bad.hooks = {"post-/../../x"};
  EXPECT_FALSE(install_hook(*place, bad).ok());
}

TEST_F(HookInstallTest, AsksGitWhereHooksAre) {
  ASSERT_TRUE(DemoGit(directory_).run({"config", "core.hooksPath", "my-hooks"}).ok());
  const auto place = find_hook_place(directory_);
  ASSERT_TRUE(place.ok());
  EXPECT_EQ(fs::path(place->directory).filename(), "my-hooks");
}

TEST_F(HookInstallTest, SaysWhenThereIsNoRepository) {
  const auto place = find_hook_place("/nonexistent-directory");
  ASSERT_FALSE(place.ok());
  EXPECT_EQ(place.error().kind, ErrorKind::not_found);
}

}  // namespace
}  // namespace rolesync::cli
