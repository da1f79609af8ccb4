// SPDX-License-Identifier: Apache-2.0
// The demo's independent check must itself be able to fail.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "host/cli/demo/git.hpp"
#include "host/cli/demo/sample.hpp"

namespace rolesync::cli {
namespace {

namespace fs = std::filesystem;

class WitnessTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "rolesync-witness.XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    ASSERT_TRUE(make_sample_repository(repository()).ok());
    fs::copy(repository() + "/autobot-vue", target(), fs::copy_options::recursive);
  }
  void TearDown() override { fs::remove_all(directory_); }

  std::string repository() const { return directory_ + "/repository"; }
  std::string target() const { return directory_ + "/target"; }
  std::string difference() const {
    const auto found = difference_on_disk(DemoGit(repository()), "HEAD", "autobot-vue", target());
    return found ? *found : found.error().message;
  }

  std::string directory_;
};

TEST_F(WitnessTest, EqualTreesAreEqualWhateverElseLiesThere) {
  std::ofstream(target() + "/.env") << "SECRET=1\n";
  EXPECT_EQ(difference(), "");
}

TEST_F(WitnessTest, SeesChangedBytes) {
  std::ofstream(target() + "/index.html", std::ios::app) << " ";
  EXPECT_NE(difference().find("index.html is blob"), std::string::npos);
}

TEST_F(WitnessTest, SeesAMissingFile) {
  fs::remove(target() + "/src/größe.css");
  EXPECT_EQ(difference(), "src/größe.css is missing");
}

TEST_F(WitnessTest, SeesTheExecutableBit) {
  ::chmod((target() + "/serve.py").c_str(), 0755);
  EXPECT_EQ(difference(), "serve.py has the wrong executable bit");
}

}  // namespace
}  // namespace rolesync::cli
