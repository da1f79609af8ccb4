// SPDX-License-Identifier: Apache-2.0
// What an installation refuses, and that it has touched nothing when it does.
#include "tests/host/activation/tree_fixture.hpp"

namespace rolesync {
namespace {

using RefusalsTest = TreeTest;

const Tree kOne = {{"index.html", "one"}, {"lib/a.js", "a"}, {"bin/run", "#!/bin/sh\n"}};

TEST_F(RefusalsTest, RefusesToReplaceADirectoryWithOthersFiles) {
  auto installation = open();
  const Tree one = {{"data/ours", "o"}, {"k", "k"}};
  ASSERT_EQ(problem(deploy(*installation, one)), "");
  put_file(at("data/theirs/file"), "t");
  const Tree two = {{"data", "now a file"}, {"k", "k2"}};
  const auto report = deploy(*installation, two);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().reason, "directory_in_the_way");
  EXPECT_NE(report.error().message.find("data/theirs/file"), std::string::npos);
  EXPECT_FALSE(installation->interrupted());
  Tree expected = one;
  expected["data/theirs/file"] = "t";
  EXPECT_EQ(tree_at(target()), expected);
}

TEST_F(RefusalsTest, NeverWalksThroughSymlinks) {
  auto installation = open();
  ASSERT_EQ(problem(deploy(*installation, {{"conf/a", "1"}, {"conf/b", "1"}, {"k", "k"}})), "");
  TemporaryDirectory outside;
  std::filesystem::remove_all(at("conf"));
  std::filesystem::create_symlink(outside.path(), at("conf"));
  put_file(outside.path() + "/a", "1");
  put_file(outside.path() + "/b", "1");
  const auto proof = installation->prove();
  ASSERT_EQ(problem(proof), "");
  EXPECT_EQ(proof->drift.size(), 2U) << "the same bytes, but not in our tree";

  const auto refused = deploy(*installation, {{"conf/a", "2"}, {"k", "k"}});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "symlink_in_path");
  EXPECT_EQ(tree_at(outside.path()), (Tree{{"a", "1"}, {"b", "1"}}));

  // A release without these files leaves the link alone, and what is behind it.
  ASSERT_EQ(problem(deploy(*installation, {{"k", "k2"}})), "");
  EXPECT_EQ(tree_at(outside.path()), (Tree{{"a", "1"}, {"b", "1"}}));
  EXPECT_TRUE(std::filesystem::is_symlink(at("conf")));
}

TEST_F(RefusalsTest, RefusesSymlinksThatLeave) {
  for (const std::string text : {"->/etc/passwd", "->../../outside", "->x/../../.."}) {
    auto installation = open();
    const auto report = deploy(*installation, {{"a", "a"}, {"d/link", text}});
    ASSERT_FALSE(report.ok()) << text;
    EXPECT_EQ(report.error().reason, "unsafe_symlink");
    EXPECT_EQ(tree_at(target()), Tree());
  }
}

TEST_F(RefusalsTest, OneUserAtATime) {
  auto first = open();
  auto second = Installation::open(real_file_system(), options());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().reason, "installation_busy");
  EXPECT_EQ(second.error().kind, ErrorKind::conflict);
  first.reset();
  EXPECT_TRUE(Installation::open(real_file_system(), options()).ok());
}

TEST_F(RefusalsTest, RefusesBadOptions) {
  const auto reason = [&](const std::string& root, const std::string& target,
                          const std::string& role) {
    InstallationOptions bad;
    bad.root = root;
    bad.target = target;
    bad.role = role;
    const auto opened = Installation::open(real_file_system(), bad);
    return opened ? std::string() : opened.error().reason;
  };
  EXPECT_EQ(reason(root(), "/etc/x", "web"), "target_outside_root");
  EXPECT_EQ(reason(root(), root(), "web"), "target_outside_root");
  EXPECT_EQ(reason(root(), root() + "/../x", "web"), "target_outside_root");
  EXPECT_EQ(reason(root(), root() + "-more/x", "web"), "target_outside_root");
  EXPECT_EQ(reason(root(), "relative", "web"), "invalid_target_path");
  EXPECT_EQ(reason(root(), target(), "../web"), "invalid_role_name");
  EXPECT_EQ(reason(root() + "/missing", root() + "/missing/x", "web"), "enoent");
}

TEST_F(RefusalsTest, RefusesATargetBehindASymlink) {
  TemporaryDirectory outside;
  std::filesystem::create_symlink(outside.path(), root() + "/srv");
  auto installation = open();
  const auto report = deploy(*installation, {{"a", "a"}});
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().reason, "symlink_in_path");
  EXPECT_EQ(tree_at(outside.path()), Tree());
}

TEST_F(RefusalsTest, RefusesWhatTheDeployerGotWrong) {
  auto installation = open();
  fetch(*installation, kOne);
  const std::string id = git_blob_id("one");
  put_file(installation->staging() / id, "two");  // as long as the right one
  const Status status = installation->verify_staged(manifest_of(kOne), FirstInstall::refuse);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().reason, "lacking_blobs");
  const auto lacking = installation->lacking(manifest_of(kOne));
  ASSERT_EQ(problem(lacking), "");
  ASSERT_EQ(lacking->size(), 1U);
  EXPECT_EQ(lacking->front().path, "index.html");
}

TEST_F(RefusalsTest, NothingChangesWhatWasVerified) {
  auto installation = open();
  fetch(*installation, kOne);
  ASSERT_EQ(problem(installation->verify_staged(manifest_of(kOne), FirstInstall::refuse)), "");
  put_file(installation->staging() / git_blob_id("one"), "two");
  const auto report = installation->activate(release_of(kOne), FirstInstall::refuse);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().reason, "lacking_blobs");
}

TEST_F(RefusalsTest, UnknownOwnersAreAnError) {
  InstallationOptions strange = options();
  strange.owner = "no-such-user-here";
  auto installation = open(strange);
  const auto report = deploy(*installation, {{"a", "1"}});
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().reason, "unknown_owner");
}

TEST_F(RefusalsTest, StateOfANewerVersionIsLeftAlone) {
  ASSERT_EQ(problem(deploy(*open(), kOne)), "");
  const std::string marker = content_at(state() + "/marker");
  const auto opened_with = [&](const std::string& text) {
    put_file(state() + "/marker", text);
    const auto opened = Installation::open(real_file_system(), options());
    return opened ? std::string("opened") : opened.error().reason;
  };
  std::string newer = marker;
  newer.replace(newer.find(" 1\n"), 3, " 2\n");
  EXPECT_EQ(opened_with(newer), "state_newer");
  EXPECT_EQ(opened_with(""), "state_damaged");
  EXPECT_EQ(opened_with(marker.substr(0, marker.size() / 2)), "state_damaged");
  std::string flipped = marker;
  flipped[flipped.find("index.html")] = 'I';
  EXPECT_EQ(opened_with(flipped), "state_damaged");
  EXPECT_EQ(opened_with(marker), "opened");
  put_file(state() + "/journal", "rolesync-journal 7\nwhatever");
  EXPECT_EQ(opened_with(marker), "state_newer");
  put_file(state() + "/journal", "rolesync-journal 1\nnonsense");
  EXPECT_EQ(opened_with(marker), "state_damaged");
  EXPECT_EQ(tree_at(target()), kOne);
}

TEST_F(RefusalsTest, AChangedTargetIsRetiredFirst) {
  ASSERT_EQ(problem(deploy(*open(), kOne)), "");
  InstallationOptions moved = options();
  moved.target = root() + "/srv/elsewhere";
  const auto refused = Installation::open(real_file_system(), moved);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "target_changed");
  const auto old = target_with_state(real_file_system(), root(), "web");
  ASSERT_EQ(problem(old), "");
  EXPECT_EQ(*old, target());
  ASSERT_EQ(problem(open()->remove()), "");
  EXPECT_EQ(target_with_state(real_file_system(), root(), "web").error().reason, "no_state");
  ASSERT_EQ(problem(deploy(*open(moved), kOne)), "");
  EXPECT_EQ(tree_at(root() + "/srv/elsewhere"), kOne);
}

TEST_F(RefusalsTest, RefusesPathsInStateDirectories) {
  auto installation = open();
  const auto report = deploy(*installation, {{"nested/.rolesync/web/marker", "x"}});
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().reason, "reserved_path");
}

TEST_F(RefusalsTest, AMissingMarkerIsNotAFirstInstall) {
  auto installation = open();
  ASSERT_EQ(problem(deploy(*installation, kOne)), "");
  ASSERT_EQ(problem(deploy(*installation, {{"a", "2"}})), "");
  installation.reset();
  std::filesystem::remove(state() + "/marker");
  const auto opened = Installation::open(real_file_system(), options());
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().reason, "state_damaged");
}

}  // namespace
}  // namespace rolesync
