// SPDX-License-Identifier: Apache-2.0
// The agent's config: what is accepted, what is refused and with which line.
#include "host/agent/config.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "host/agent/credential.hpp"
#include "host/agent/identity.hpp"

namespace rolesync::agent {
namespace {

TEST(AgentConfig, ReadsEverything) {
  AgentConfig config;
  Status status = read_config_text(R"(
node_id = "web-1"
state_dir = "/tmp/agent"
credential_file = "/tmp/agent/key"
plugin_dirs = ["/a", "/b"]
drop_in_dirs = []
allowed_roots = ["/home/autobot", "/opt"]
allowed_units = ["autobot-*"]
keep_releases = 5
parallel_tasks = 1
detect_seconds = 2
[server]
url = ["https://one:8770", "https://two:8770"]
certificate_sha256 = "ab"
[commands]
allowed = true
as_root = false
timeout_seconds = 30
[source]
repositories = ["/srv/repo.git"]
[health]
timeout_seconds = 7
[log]
format = "json"
[plugins]
allowed_sha256 = ["0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"]
child_memory_mb = 64
[plugins.modes]
web-shop = "inline"
process = "isolated"
)",
                                   "agent.toml", config);
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_EQ(config.node_id, "web-1");
  EXPECT_EQ(config.server_urls.size(), 2u);
  EXPECT_EQ(config.server(3).url, "https://two:8770");
  EXPECT_EQ(config.limits.allowed_roots[1], "/opt");
  EXPECT_TRUE(config.limits.commands_allowed);
  EXPECT_FALSE(config.limits.commands_as_root);
  EXPECT_EQ(config.command_limit.count(), 30);
  EXPECT_EQ(config.source_repositories[0], "/srv/repo.git");
  EXPECT_EQ(config.keep_releases, 5u);
  EXPECT_EQ(config.parallel_tasks, 1u);
  EXPECT_TRUE(config.drop_in_dirs.empty());
  EXPECT_EQ(config.health_limit.count(), 7);
  EXPECT_EQ(config.plugin_policy.allowed_sha256->size(), 1u);
  EXPECT_EQ(config.plugin_policy.child.memory_bytes, 64u << 20);
  EXPECT_FALSE(config.plugin_policy.isolated.at("web-shop"));
  EXPECT_TRUE(config.plugin_policy.isolated.at("process"));
}

TEST(AgentConfig, RefusesWithTheLine) {
  struct Case {
    const char* text;
    const char* message;
  };
  for (const Case& each : {
           Case{"node_id = \"a\"\nnode-id = \"b\"\n", "agent.toml:2: unknown key 'node-id'"},
           Case{"\n[commands]\nallow = true\n", "agent.toml:3: unknown key 'commands.allow'"},
           Case{"[commands]\nallowed = \"yes\"\n", "agent.toml:2: commands.allowed must be"},
           Case{"allowed_roots = \"/srv\"\n", "agent.toml:1: allowed_roots must be a list"},
           Case{"allowed_roots = [1]\n", "agent.toml:1: allowed_roots must be a list"},
           Case{"parallel_tasks = 0\n", "agent.toml:1: parallel_tasks must be a whole number"},
           Case{"keep_releases = 0\n", "agent.toml:1: keep_releases must be a whole number"},
           Case{"server = 1\n", "agent.toml:1: server must be a section"},
           Case{"node_id = 5\n", "agent.toml:1: node_id must be a text"},
           Case{"node_id = [\"a\"]\n", "agent.toml:1: node_id must be a text"},
           Case{"queue_limit = 1.5\n", "agent.toml:1: queue_limit must be a whole number"},
           Case{"queue_limit = \"10\"\n", "agent.toml:1: queue_limit must be a whole number"},
           Case{"queue_limit = 99999999999999999999\n", "agent.toml:1: "},
           Case{"detect_seconds = -1\n", "agent.toml:1: detect_seconds must be a whole number"},
           Case{"[server]\nurl = 1\n", "agent.toml:2: server.url must be a list"},
           Case{"[server]\nurl = [\"a\", 1]\n", "agent.toml:2: server.url must be a list"},
           Case{"[commands]\nusers = \"autobot\"\n", "agent.toml:2: commands.users must be a"},
           Case{"[commands]\nuser = [\"autobot\"]\n", "agent.toml:2: unknown key 'commands.user'"},
           Case{"[commands]\ntimeout_seconds = true\n",
                "agent.toml:2: commands.timeout_seconds must be a whole number"},
           Case{"[[commands]]\nallowed = true\n", "agent.toml:1: commands must be a section"},
           Case{"[log]\nlevel = 1\n", "agent.toml:2: log.level must be a text"},
           Case{"node_id = \"a\"\nnode_id = \"b\"\n", "agent.toml:2: "},
           Case{"allowed_roots = []\n[commands]\n\nallowed = true\nallowed = false\n",
                "agent.toml:5: "},
           Case{"a = \n", "agent.toml:1: "},
           Case{"[server]\nurl = \"x\"\n[server]\n", "agent.toml:3: "},
       }) {
    AgentConfig config;
    Status status = read_config_text(each.text, "agent.toml", config);
    ASSERT_FALSE(status.ok()) << each.text;
    EXPECT_EQ(status.error().reason, "invalid_config");
    EXPECT_EQ(status.error().message.rfind(each.message, 0), 0u) << status.error().message;
  }
}

class AgentConfigFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = "/tmp/rolesync-config-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string write(const std::string& text) {
    std::ofstream(directory_ + "/agent.toml") << text;
    return directory_ + "/agent.toml";
  }
  std::string directory_;
};

TEST_F(AgentConfigFiles, FlagBeforeEnvironmentBeforeFile) {
  ConfigFlags flags;
  flags.config_file = write("node_id = \"file\"\nstate_dir = \"" + directory_ + "\"\n");
  EXPECT_EQ(load_config(flags, {})->node_id, "file");
  EXPECT_EQ(load_config(flags, {{"ROLESYNC_NODE_ID", "variable"}})->node_id, "variable");
  flags.node_id = "flag";
  EXPECT_EQ(load_config(flags, {{"ROLESYNC_NODE_ID", "variable"}})->node_id, "flag");
}

TEST_F(AgentConfigFiles, AFileThatOthersMayWriteIsRefused) {
  ConfigFlags flags;
  flags.config_file = write("node_id = \"a\"\nstate_dir = \"" + directory_ + "\"\n");
  std::filesystem::permissions(flags.config_file, std::filesystem::perms(0644));
  EXPECT_TRUE(load_config(flags, {}).ok());
  std::filesystem::permissions(flags.config_file, std::filesystem::perms(0646));
  auto config = load_config(flags, {});
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.error().reason, "config_unsafe");
  EXPECT_NE(config.error().message.find(flags.config_file + " may be written by everybody"),
            std::string::npos)
      << config.error().message;

  std::filesystem::permissions(flags.config_file, std::filesystem::perms(0644));
  std::filesystem::permissions(directory_, std::filesystem::perms(0777));
  EXPECT_EQ(load_config(flags, {}).error().reason, "config_unsafe") << "nor a directory above it";
  if (::geteuid() != 0) return;
  std::filesystem::permissions(directory_, std::filesystem::perms(0700));
  ASSERT_EQ(::chown(flags.config_file.c_str(), 12345, 0), 0);
  EXPECT_EQ(load_config(flags, {}).error().reason, "config_unsafe") << "nor one of another user";
}

TEST_F(AgentConfigFiles, WhatCannotBeReadIsSaid) {
  ConfigFlags flags;
  flags.config_file = directory_;  // a directory
  auto config = load_config(flags, {});
  ASSERT_FALSE(config.ok());
  EXPECT_NE(config.error().message.find(directory_), std::string::npos) << config.error().message;
  if (::geteuid() == 0) return;  // root reads everything
  flags.config_file = write("node_id = \"a\"\n");
  std::filesystem::permissions(flags.config_file, std::filesystem::perms(0));
  EXPECT_EQ(load_config(flags, {}).error().reason, "invalid_config");
}

TEST_F(AgentConfigFiles, LimitsRememberTheirPlace) {
  ConfigFlags flags;
  flags.config_file = write("allowed_roots = [\"/srv\"]\nallowed_units = []\nstate_dir = \"" +
                            directory_ + "\"\n[commands]\nallowed = true\nusers = [\"autobot\"]\n");
  auto config = load_config(flags, {});
  ASSERT_TRUE(config.ok()) << config.error().text();
  EXPECT_EQ(config->limits.command_users, std::vector<std::string>{"autobot"});
  EXPECT_EQ(rule_of(config->limits, "allowed_roots"), "allowed_roots, " + flags.config_file + ":1");
  EXPECT_EQ(rule_of(config->limits, "commands.users"),
            "commands.users, " + flags.config_file + ":6");
  EXPECT_EQ(rule_of(config->limits, "source.repositories"),
            "source.repositories, which " + flags.config_file + " does not set");
}

TEST_F(AgentConfigFiles, ANamedFileMustBeThere) {
  ConfigFlags flags;
  flags.config_file = directory_ + "/none.toml";
  auto config = load_config(flags, {});
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.error().reason, "invalid_config");
}

TEST_F(AgentConfigFiles, TakesTheIdentityThatJoinLeft) {
  std::ofstream(directory_ + "/identity.json")
      << R"({"node_id":"joined","url":"https://s:1","certificate_sha256":"cc"})";
  ConfigFlags flags;
  flags.config_file = write("state_dir = \"" + directory_ + "\"\n");
  auto config = load_config(flags, {});
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->node_id, "joined");
  EXPECT_EQ(config->server(0).url, "https://s:1");
  EXPECT_EQ(config->server(0).certificate_sha256, "cc");
  EXPECT_EQ(config->credential_file, directory_ + "/credential");
  EXPECT_TRUE(check_config(*config).ok());
  EXPECT_EQ(Credential::read(*config).error().reason, "not_joined");
}

TEST_F(AgentConfigFiles, PrefixMovesTargetsAndRoots) {
  ConfigFlags flags;
  flags.config_file =
      write("node_id = \"a\"\nallowed_roots = [\"/srv\"]\npath_prefix = \"" + directory_ +
            "\"\nstate_dir = \"" + directory_ + "\"\n[server]\nurl = \"http://x\"\n");
  auto config = load_config(flags, {});
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->limits.allowed_roots[0], directory_ + "/srv");
  Role role;
  role.target_path = "/srv/web";
  EXPECT_EQ(config->localized(role).target_path, directory_ + "/srv/web");
  role.target_path.clear();
  EXPECT_EQ(config->localized(role).target_path, "");
}

TEST(JoinToken, Grammar) {
  const std::string fingerprint(64, 'a');
  EXPECT_EQ(parse_join_token("rsj.0123." + fingerprint)->certificate_sha256, fingerprint);
  EXPECT_EQ(parse_join_token("rsj.0123.-")->certificate_sha256, "");
  for (const char* bad : {"", "rsj", "rsj..-", "rsj.xyz.-", "rsj.01.short", "rst.01.-", "rsj.01"}) {
    EXPECT_FALSE(parse_join_token(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace rolesync::agent
