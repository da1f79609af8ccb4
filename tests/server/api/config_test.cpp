// SPDX-License-Identifier: Apache-2.0
// The configuration file is strict and says where it is wrong; no server starts without TLS on an
// address that others reach; log lines survive being JSON.
#include "server/config.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "server/log.hpp"

namespace rolesync {
namespace {

class Config : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "rolesync-config-XXXXXX").string();
    ASSERT_TRUE(mkdtemp(pattern.data()));
    directory = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory); }
  Result<ServerConfig> load(const std::string& text) {
    std::ofstream(directory / "c.toml") << text;
    return load_config(directory / "c.toml");
  }
  std::filesystem::path directory;
};

TEST_F(Config, TakesWhatItKnows) {
  const auto config = load(
      "listen = \"127.0.0.1:1\"\n[log]\nformat = \"json\"\n[nodes]\n"
      "late_seconds = 9\n[source]\nallowed_paths = [\"/srv\"]\n");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->log_format, "json");
  EXPECT_EQ(config->node_late_seconds, 9);
  EXPECT_EQ(config->allowed_sources.size(), 1u);
}

TEST_F(Config, TakesWhatIsDecidedAboutPlugins) {
  const std::string hash(64, 'a');
  const auto config = load("[plugins]\nallowed_sha256 = [\"" + hash +
                           "\"]\nchild_memory_mb = 64\n[plugins.modes]\nweb-shop = \"inline\"\n"
                           "process = \"isolated\"\n");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(*config->plugin_policy.allowed_sha256, std::set<std::string>{hash});
  EXPECT_EQ(config->plugin_policy.child.memory_bytes, 64u << 20);
  EXPECT_FALSE(config->plugin_policy.isolated.at("web-shop"));
  EXPECT_TRUE(config->plugin_policy.isolated.at("process"));
  const auto none = load("[plugins]\nallowed_sha256 = []\n");
  ASSERT_TRUE(none && none->plugin_policy.allowed_sha256) << "an empty list allows nothing";
  const auto any = load("");
  ASSERT_TRUE(any);
  EXPECT_FALSE(any->plugin_policy.allowed_sha256);
}

TEST_F(Config, NamesTheLineOfWhatItRefuses) {
  const std::pair<const char*, const char*> cases[] = {
      {"listen = \"127.0.0.1:1\"\nlitsen = \"x\"\n", "c.toml:2: unknown key litsen"},
      {"[log]\nformat = \"xml\"\n", "c.toml:2: log.format must be one of text, json"},
      {"\n\nstate_dir = \"relative\"\n", "c.toml:3: state_dir must be an absolute path"},
      {"plugin_dirs = \"/x\"\n", "c.toml:1: plugin_dirs must be an array"},
      {"[plugins]\nallowed_sha256 = [\"abc\"]\n", "c.toml:2: plugins.allowed_sha256 is not"},
      {"[plugins.modes]\nweb-shop = \"outside\"\n", "c.toml:2: plugins.modes.web-shop is not"},
      {"[plugins]\nmodes = 3\n", "c.toml:2: unknown key plugins.modes"},
      {"\nstore = \"/var/lib/x.db\"\n", "c.toml:2: store is not valid"},
      {"store = \"postgresql://me:secret@h/d\"\n", "c.toml:1: store is not valid"},
      {"store = 3\n", "c.toml:1: store must be"},
      {"[nodes]\nlate_seconds = 0\n", "c.toml:2: nodes.late_seconds must be a number"},
      {"[retention]\njobs_days = 0\n", "c.toml:2: retention.jobs_days must be a number from 1"},
      {"[retention]\naudit_days = -1\n", "c.toml:2: retention.audit_days must be a number from 0"},
      {"[retention]\nevents = 1\n", "c.toml:2: unknown key retention.events"},
      {"[cache]\nlimit_mb = 1\n", "c.toml:2: cache.limit_mb must be a number from 16"},
      {"listen = \n", "c.toml:1"},
  };
  for (const auto& [text, expected] : cases) {
    const auto refused = load(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_NE(refused.error().message.find(expected), std::string::npos) << refused.error().text();
  }
}

TEST_F(Config, WritesWhatItCanReadAgain) {
  ServerConfig config;
  config.state_dir = "/var/lib/it's \"odd\"\\here";
  config.store = "postgresql://me@db.example/rolesync";
  const auto again = load(config_text(config));
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->store, config.store);
  EXPECT_EQ(again->state_dir, config.state_dir);
}

TEST_F(Config, RefusesToListenInTheOpen) {
  for (const char* listen : {"0.0.0.0:8770", "[::]:8770", "192.0.2.1:8770"}) {
    ServerConfig config;
    config.listen = listen;
    const Status refused = complete(config);
    ASSERT_FALSE(refused) << listen;
    EXPECT_EQ(refused.error().reason, "tls_required");
    config.tls_certificate = "/x.pem";
    config.tls_key = "/x.key";
    EXPECT_TRUE(complete(config).ok());
  }
  for (const char* listen : {"127.0.0.1:0", "[::1]:1", "localhost:65535"}) {
    ServerConfig config;
    config.listen = listen;
    EXPECT_TRUE(complete(config).ok()) << listen;
  }
  for (const char* listen : {"127.0.0.1", ":1", "127.0.0.1:x", "127.0.0.1:65536"}) {
    EXPECT_FALSE(parse_listen(listen).ok()) << listen;
  }
}

TEST(JsonLog, TakesThePairsApart) {
  const Json line = Json::parse(json_log_line(
      "t", "info", "event=task_changed node=n1 reason= message=\"web on n1: \"odd\" = 1\""));
  EXPECT_EQ(line, (Json{{"time", "t"},
                        {"level", "info"},
                        {"event", "task_changed"},
                        {"node", "n1"},
                        {"message", "web on n1: \"odd\" = 1"}}));
  EXPECT_EQ(
      Json::parse(json_log_line("t", "warn", "job=j step not written: no = way")).at("message"),
      "step not written: no = way");
}

}  // namespace
}  // namespace rolesync
