// SPDX-License-Identifier: Apache-2.0
// Where URL and token come from: flag, environment, context, default, in this order.
#include "host/cli/connection.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>

namespace rolesync::cli {
namespace {

class ConnectionTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "rolesync-cli.XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    variables_["HOME"] = directory_;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    const std::string path = directory_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }
  void write_config(const std::string& text, mode_t mode = 0600) {
    write(".config/rolesync/config.toml", text, mode);
  }
  Result<Connection> resolve(const ConnectionFlags& flags = {}) {
    return resolve_connection(flags, [this](const std::string& name) -> std::optional<std::string> {
      const auto found = variables_.find(name);
      if (found == variables_.end()) return std::nullopt;
      return found->second;
    });
  }

  std::string directory_;
  std::map<std::string, std::string> variables_;
};

TEST_F(ConnectionTest, DefaultIsTheLocalServer) {
  const auto connection = resolve();
  ASSERT_TRUE(connection.ok());
  EXPECT_EQ(connection->address.url, "http://127.0.0.1:8770");
  EXPECT_EQ(connection->token, "");
}

TEST_F(ConnectionTest, TheCurrentContextCounts) {
  write("t", "secret\n");
  write_config(
      "current = \"prod\"\n[contexts.prod]\nurl = \"https://sync:8770\"\n"
      "token_file = \"~/t\"\nca_file = \"~/ca.pem\"\nfingerprint = \"ab\"\n");
  const auto connection = resolve();
  ASSERT_TRUE(connection.ok()) << connection.error().text();
  EXPECT_EQ(connection->address.url, "https://sync:8770");
  EXPECT_EQ(connection->address.ca_file, directory_ + "/ca.pem");
  EXPECT_EQ(connection->address.certificate_sha256, "ab");
  EXPECT_EQ(connection->token, "secret");
}

TEST_F(ConnectionTest, FlagBeatsEnvironmentBeatsContext) {
  write_config("current = \"a\"\n[contexts.a]\nurl = \"http://context\"\ntoken = \"c\"\n");
  EXPECT_EQ(resolve()->token, "c");
  variables_["ROLESYNC_TOKEN"] = "e";
  EXPECT_EQ(resolve()->address.url, "http://context");
  EXPECT_EQ(resolve()->token, "e");
  variables_["ROLESYNC_URL"] = "http://environment";
  EXPECT_EQ(resolve()->address.url, "http://environment");
  ConnectionFlags flags;
  flags.url = "http://flag";
  flags.token_file = write("flag-token", "f");
  EXPECT_EQ(resolve(flags)->address.url, "http://flag");
  EXPECT_EQ(resolve(flags)->token, "f");
}

TEST_F(ConnectionTest, TheContextsTokenIsNotSentToAnotherServer) {
  write_config("current = \"a\"\n[contexts.a]\nurl = \"http://context\"\ntoken = \"c\"\n");
  variables_["ROLESYNC_URL"] = "http://elsewhere";
  ASSERT_TRUE(resolve().ok());
  EXPECT_EQ(resolve()->token, "");
}

TEST_F(ConnectionTest, AContextCanBeNamed) {
  write_config(
      "current = \"a\"\n[contexts.a]\nurl = \"http://a\"\n[contexts.b]\nurl = \"http://b\"\n");
  ConnectionFlags flags;
  flags.context = "b";
  EXPECT_EQ(resolve(flags)->address.url, "http://b");
  flags.context = "none";
  ASSERT_FALSE(resolve(flags).ok());
  EXPECT_EQ(resolve(flags).error().reason, "unknown_context");
}

TEST_F(ConnectionTest, AMistakeNamesFileAndLine) {
  write_config("current = \"a\"\n\n[contexts.a]\nulr = \"http://a\"\n");
  const auto connection = resolve();
  ASSERT_FALSE(connection.ok());
  EXPECT_EQ(connection.error().reason, "invalid_config");
  EXPECT_NE(connection.error().message.find("config.toml:4: unknown key \"ulr\""),
            std::string::npos)
      << connection.error().message;
  write_config("current = 7\n");
  EXPECT_FALSE(resolve().ok());
  write_config("current = \n");
  EXPECT_FALSE(resolve().ok());
}

TEST_F(ConnectionTest, ATokenThatOthersCanReadIsRefused) {
  write_config("current = \"a\"\n[contexts.a]\ntoken = \"c\"\n", 0644);
  ASSERT_FALSE(resolve().ok());
  EXPECT_EQ(resolve().error().reason, "token_file_not_private");
  write_config("");
  ConnectionFlags flags;
  flags.token_file = write("open", "t", 0644);
  ASSERT_FALSE(resolve(flags).ok());
  EXPECT_EQ(resolve(flags).error().reason, "token_file_not_private");
}

TEST_F(ConnectionTest, AMissingTokenFileIsNamed) {
  ConnectionFlags flags;
  flags.token_file = directory_ + "/none";
  ASSERT_FALSE(resolve(flags).ok());
  EXPECT_NE(resolve(flags).error().message.find(flags.token_file), std::string::npos);
}

}  // namespace
}  // namespace rolesync::cli
