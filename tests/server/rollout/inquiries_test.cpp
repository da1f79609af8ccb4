// SPDX-License-Identifier: Apache-2.0
// A question to a node has exactly one end: its answer, or why there is none.
#include "server/rollout/inquiries.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "host/values/framed_text.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/nodes.hpp"

namespace rolesync::rollout {
namespace {

class InquiriesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "rolesync-inq-XXXXXX").string();
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
    inquiries = std::make_unique<Inquiries>(*commands, Inquiries::Limits{1000, 1000, 10'000, 2});
  }
  void TearDown() override {
    inquiries.reset();
    commands.reset();
    store.reset();
    std::filesystem::remove_all(directory);
  }
  // The id of the inquiry, as the node's command says it.
  std::string ask() {
    const Status asked = inquiries->ask(
        {"n1", "", "", std::make_shared<const std::string>("question")},
        [this](const auto& got) { ends.push_back(got ? **got : got.error().reason); });
    if (!asked) return asked.error().reason;
    const auto offered = commands->offer("n1").commands;
    command = offered.back().id;
    EXPECT_EQ(offered.back().kind, "inquire");
    return parse_json(offered.back().payload)->at("inquiry_id").get<std::string>();
  }
  std::filesystem::path directory;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<Commands> commands;
  std::unique_ptr<Inquiries> inquiries;
  std::string command;
  std::vector<std::string> ends;
};

TEST_F(InquiriesTest, AnAnswerComesOnceAndFromThatNodeOnly) {
  const std::string id = ask();
  EXPECT_EQ(inquiries->question("n2", id).error().reason, "unknown_inquiry");
  EXPECT_EQ(**inquiries->question("n1", id), "question");
  const std::string answer = framed({{"others", 3}}, std::string("bytes\0\n", 7));
  EXPECT_EQ(inquiries->answer("n2", id, answer).error().reason, "unknown_inquiry");
  EXPECT_TRUE(inquiries->answer("n1", id, answer).ok());
  EXPECT_EQ(inquiries->answer("n1", id, answer).error().reason, "unknown_inquiry");
  EXPECT_EQ(ends, std::vector<std::string>{answer});
}

TEST_F(InquiriesTest, WhatTheNodeCouldNotDoIsItsOwnReason) {
  const std::string refused = framed({{"error", {{"reason", "nothing_there"}}}}, "");
  ASSERT_TRUE(inquiries->answer("n1", ask(), refused).ok());
  ASSERT_TRUE(inquiries->answer("n1", ask(), "no line of JSON").ok());
  ASSERT_TRUE(inquiries->answer("n1", ask(), "[]\n").ok());
  EXPECT_EQ(ends, (std::vector<std::string>{"nothing_there", "protocol_error", "protocol_error"}));
}

TEST_F(InquiriesTest, SilentOldAndSlowNodesAreToldApart) {
  const Millis now = now_millis();
  ask();
  inquiries->tick(now + 500);
  EXPECT_TRUE(ends.empty());
  inquiries->tick(now + 3000);  // never taken
  const std::string id = ask();
  ASSERT_TRUE(commands->acknowledge("n1", {command}).ok());
  inquiries->tick(now + 100);  // taken, but not asked for
  inquiries->tick(now + 2000);
  const std::string slow = ask();
  ASSERT_TRUE(inquiries->question("n1", slow).ok());
  inquiries->tick(now + 9000);
  inquiries->tick(now + 20'000);
  EXPECT_EQ(ends, (std::vector<std::string>{"node_silent", "node_too_old", "inquiry_timed_out"}));
  EXPECT_EQ(inquiries->question("n1", id).error().reason, "unknown_inquiry");
}

TEST_F(InquiriesTest, TheirNumberIsLimitedAndTheServersEndEndsThem) {
  ask();
  ask();
  EXPECT_EQ(ask(), "too_many_inquiries");
  inquiries->end_all();
  EXPECT_EQ(ends, (std::vector<std::string>{"server_stopping", "server_stopping"}));
}

}  // namespace
}  // namespace rolesync::rollout
