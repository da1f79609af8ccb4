// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <rolesync/testing/matchers.hpp>

namespace fs = std::filesystem;
using namespace rolesync::testing;

class AliveFileTest : public testing::Test {
 protected:
  AliveFileTest() {
    std::string name = fs::temp_directory_path() / "alive-file-XXXXXX";
    target_ = ::mkdtemp(name.data());
  }
  ~AliveFileTest() override { fs::remove_all(target_); }

  void touch(std::chrono::seconds ago) {
    std::ofstream(target_ / "alive").close();
    fs::last_write_time(target_ / "alive", fs::file_time_type::clock::now() - ago);
  }
  rolesync::Detection detect(bool path_exists = true) {
    rolesync::RoleData role;
    role.name = "shop";
    role.target_path = target_;
    rolesync::Facts facts;
    facts.path_exists = path_exists;
    return plugin_.create("detector", "alive_file", host_).detect(role, facts);
  }

  fs::path target_;
  FakeHost host_;
  Plugin plugin_{ROLESYNC_PLUGIN_FILE};
};

TEST_F(AliveFileTest, NothingIsThere) {
  EXPECT_THAT(detect(false), IsNotInstalled());
}

TEST_F(AliveFileTest, InstalledButNeverStarted) {
  EXPECT_THAT(detect(), testing::AllOf(IsInactive(), HasReason("never_alive")));
}

TEST_F(AliveFileTest, TouchedJustNow) {
  touch(std::chrono::seconds(1));
  EXPECT_THAT(detect(), testing::AllOf(IsActive(), IsHealthy()));
}

TEST_F(AliveFileTest, TouchedLongAgo) {
  touch(std::chrono::minutes(5));
  EXPECT_THAT(detect(), testing::AllOf(IsActive(), IsFailing(), HasReason("not_alive")));
}
