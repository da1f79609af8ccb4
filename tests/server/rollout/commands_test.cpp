// SPDX-License-Identifier: Apache-2.0
// Commands are offered until acknowledged, also by a server that was started again.
#include "server/rollout/commands.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "server/store/nodes.hpp"

namespace rolesync::rollout {
namespace {

class CommandsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "rolesync-cmd-XXXXXX").string();
    ASSERT_TRUE(mkdtemp(pattern.data()));
    directory = pattern;
    auto opened = store::open_sqlite({directory / "db"});
    ASSERT_TRUE(opened) << opened.error().text();
    store = std::move(*opened);
    store::Node node;
    node.id = "n1";
    node.credential_hash = "h";
    ASSERT_TRUE(store->write([&](store::Session& s) { return store::add_node(s, node); }).ok());
    commands = std::make_unique<Commands>(*store);
    commands->on_new([this](const std::string& woken) { wakes.push_back(woken); });
  }
  void TearDown() override {
    commands.reset();
    store.reset();
    std::filesystem::remove_all(directory);
  }
  void give(const std::string& id, const std::string& boot_id = "") {
    store::CommandRecord command;
    command.id = id;
    command.node = "n1";
    command.kind = "refresh";
    command.boot_id = boot_id;
    ASSERT_TRUE(commands->give(command).ok());
  }
  std::vector<std::string> offered() {
    std::vector<std::string> ids;
    for (const auto& command : commands->offer("n1").commands) ids.push_back(command.id);
    return ids;
  }
  std::filesystem::path directory;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<Commands> commands;
  std::vector<std::string> wakes;
};

TEST_F(CommandsTest, AreOfferedUntilAcknowledged) {
  give("cmd_1");
  give("cmd_2");
  EXPECT_EQ(wakes, (std::vector<std::string>{"n1", "n1"}));
  EXPECT_EQ(offered(), (std::vector<std::string>{"cmd_1", "cmd_2"}));
  ASSERT_TRUE(commands->acknowledge("n1", {"cmd_1", "cmd_of_nobody"}).ok());
  EXPECT_EQ(offered(), (std::vector<std::string>{"cmd_2"}));
}

TEST_F(CommandsTest, SurviveARestart) {
  give("cmd_1");
  give("cmd_2");
  ASSERT_TRUE(commands->acknowledge("n1", {"cmd_1"}).ok());
  Commands again(*store);
  ASSERT_TRUE(again.load().ok());
  ASSERT_EQ(again.offer("n1").commands.size(), 1u);
  EXPECT_EQ(again.offer("n1").commands[0].id, "cmd_2");
}

TEST_F(CommandsTest, ANodeThatNeverAcknowledgesIsNotAnsweredAtOnceForEver) {
  give("cmd_1");
  EXPECT_FALSE(commands->idle("n1"));
  int prompt = 0;
  while (prompt < 100 && !commands->offer("n1").insisting) ++prompt;
  EXPECT_GT(prompt, 0);
  EXPECT_LT(prompt, 100);
  give("cmd_2");  // something new is said at once again
  EXPECT_FALSE(commands->offer("n1").insisting);
}

TEST_F(CommandsTest, ThoseOfAnotherBootAreWithdrawn) {
  give("cmd_old", "boot-1");
  give("cmd_any");
  ASSERT_TRUE(commands->keep_boot("n1", "boot-2").ok());
  EXPECT_EQ(offered(), (std::vector<std::string>{"cmd_any"}));
}

}  // namespace
}  // namespace rolesync::rollout
