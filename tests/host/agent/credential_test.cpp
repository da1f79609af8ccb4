// SPDX-License-Identifier: Apache-2.0
// The node's secret on its disk: private, and never lost between the old and the new one.
#include "host/agent/credential.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace rolesync::agent {
namespace {

class CredentialTest : public ::testing::Test {
 protected:
  CredentialTest() {
    std::string pattern = "/tmp/rolesync-credential-XXXXXX";
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp");
    directory_ = pattern;
    config_.state_dir = directory_;
    config_.credential_file = directory_ + "/credential";
    EXPECT_TRUE(Credential::replace(config_, "old").ok());
  }
  ~CredentialTest() override { std::filesystem::remove_all(directory_); }
  static int mode(const std::string& path) {
    struct stat st {};
    return ::stat(path.c_str(), &st) == 0 ? st.st_mode & 07777 : -1;
  }

  std::string directory_;
  AgentConfig config_;
};

TEST_F(CredentialTest, ASuccessorIsMadeOnceAndKeptPrivate) {
  Credential credential(config_, *Credential::read(config_));
  EXPECT_EQ(credential.successor(), "");
  const std::string next = *credential.make_successor();
  EXPECT_EQ(next.size(), 4u + 64u);
  EXPECT_EQ(*credential.make_successor(), next) << "the same order again";
  EXPECT_EQ(credential.current(), "old");
  EXPECT_EQ(mode(config_.credential_file), 0600);
  EXPECT_EQ(mode(config_.credential_file + ".next"), 0600);

  // A process that begins now finds both.
  Credential again(config_, *Credential::read(config_));
  EXPECT_EQ(again.current(), "old");
  EXPECT_EQ(again.successor(), next);
  ASSERT_TRUE(again.promote().ok());
  EXPECT_EQ(again.current(), next);
  EXPECT_EQ(again.successor(), "");
  EXPECT_EQ(*Credential::read(config_), next);
  EXPECT_EQ(mode(config_.credential_file), 0600);
}

TEST_F(CredentialTest, ASecondPromotionChangesNothing) {
  Credential credential(config_, "old");
  const std::string next = *credential.make_successor();
  ASSERT_TRUE(credential.promote().ok());
  ASSERT_TRUE(credential.promote().ok());
  EXPECT_EQ(*Credential::read(config_), next);
}

// Killed between the rename and the removal of the successor's file.
TEST_F(CredentialTest, ALeftoverSuccessorThatIsInUseIsHarmless) {
  Credential credential(config_, "old");
  const std::string next = *credential.make_successor();
  std::filesystem::copy_file(config_.credential_file + ".next", directory_ + "/copy");
  ASSERT_TRUE(credential.promote().ok());
  std::filesystem::rename(directory_ + "/copy", config_.credential_file + ".next");
  Credential again(config_, *Credential::read(config_));
  ASSERT_TRUE(again.promote().ok());
  EXPECT_EQ(*Credential::read(config_), next);
  EXPECT_EQ(again.successor(), "");
}

TEST_F(CredentialTest, ANewJoinIsTakenUpByTheRunningAgentAndEndsARotation) {
  Credential credential(config_, "old");
  (void)credential.make_successor();
  EXPECT_FALSE(credential.take_from_disk());
  ASSERT_TRUE(Credential::replace(config_, "joined").ok());
  EXPECT_TRUE(credential.take_from_disk());
  EXPECT_EQ(credential.current(), "joined");
  EXPECT_EQ(credential.successor(), "");
  EXPECT_FALSE(credential.take_from_disk());
}

}  // namespace
}  // namespace rolesync::agent
