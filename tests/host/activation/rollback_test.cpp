// SPDX-License-Identifier: Apache-2.0
// Going back with this node's own files, what is kept for it, and what is dropped.
#include "tests/host/activation/tree_fixture.hpp"

namespace rolesync {
namespace {

class RollbackTest : public TreeTest {
 protected:
  void SetUp() override { installation_ = open(); }
  void install(const Tree& tree, const std::string& commit) {
    ASSERT_EQ(problem(deploy(*installation_, tree, FirstInstall::refuse, commit)), "");
  }
  std::vector<std::string> kept() {
    std::vector<std::string> commits;
    for (const Release& release : installation_->kept()) commits.push_back(release.commit);
    return commits;
  }
  std::unique_ptr<Installation> installation_;
};

const Tree kOne = {{"a", "1"},   {"b", "#!1"}, {"gone", "g"},
                   {"l", "->a"}, {"d/x", "x"}, {"s", "same"}};
const Tree kTwo = {{"a", "2"},   {"b", "2"},    {"new", "n"},
                   {"l", "->s"}, {"d", "file"}, {"s", "same"}};
const Tree kThree = {{"a", "3"}, {"s", "s3"}};

TEST_F(RollbackTest, BackAndFurtherBack) {
  install(kOne, "c1");
  install(kTwo, "c2");
  install(kThree, "c3");
  EXPECT_EQ(kept(), (std::vector<std::string>{"c2", "c1"}));
  auto report = installation_->roll_back();
  ASSERT_EQ(problem(report), "");
  EXPECT_EQ(tree_at(target()), kTwo);
  EXPECT_EQ(installation_->current()->commit, "c2");
  EXPECT_EQ(kept(), std::vector<std::string>{"c1"}) << "what was left is not offered again";
  ASSERT_EQ(problem(installation_->roll_back()), "");
  EXPECT_EQ(tree_at(target()), kOne);
  EXPECT_EQ(installation_->current()->commit, "c1");
  report = installation_->roll_back();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().reason, "no_previous");
  EXPECT_EQ(report.error().kind, ErrorKind::not_found);

  install(kThree, "c3 again");
  EXPECT_EQ(tree_at(target()), kThree);
  EXPECT_EQ(kept(), std::vector<std::string>{"c1"});
  const auto proof = installation_->prove(true);
  ASSERT_EQ(problem(proof), "");
  EXPECT_TRUE(proof->drift.empty());
}

TEST_F(RollbackTest, WorksAfterARestart) {
  install(kOne, "c1");
  install(kTwo, "c2");
  installation_.reset();
  installation_ = open();
  ASSERT_EQ(problem(installation_->roll_back()), "");
  EXPECT_EQ(tree_at(target()), kOne);
}

TEST_F(RollbackTest, NothingToGoBackTo) {
  EXPECT_EQ(installation_->roll_back().error().reason, "no_previous");
  install(kOne, "c1");
  EXPECT_EQ(installation_->roll_back().error().reason, "no_previous");
}

TEST_F(RollbackTest, SavesWhatWasEditedSince) {
  install(kOne, "c1");
  install(kTwo, "c2");
  put_file(at("a"), "edited in two");
  put_file(at("s"), "edited and the same in both");
  const auto report = installation_->roll_back();
  ASSERT_EQ(problem(report), "");
  Tree saved;
  for (const SavedFile& file : report->saved) saved[file.path] = content_at(file.saved_as);
  EXPECT_EQ(saved, (Tree{{"a", "edited in two"}}));
  Tree expected = kOne;
  expected["s"] = "edited and the same in both";  // the node has no other bytes of it: left alone
  EXPECT_EQ(tree_at(target()), expected);
  const auto proof = installation_->prove();
  ASSERT_EQ(problem(proof), "");
  ASSERT_EQ(proof->drift.size(), 1U);
  EXPECT_EQ(proof->drift[0].path, "s");
}

// The bytes that were deployed are gone from this node, so a release comes back as it really was.
TEST_F(RollbackTest, BringsBackWhatHadBeenEditedBefore) {
  install(kOne, "c1");
  put_file(at("a"), "edited in one");
  std::filesystem::remove(at("b"));
  install(kTwo, "c2");
  EXPECT_EQ(tree_at(target()), kTwo);
  ASSERT_EQ(problem(installation_->roll_back()), "");
  Tree expected = kOne;
  expected["a"] = "edited in one";
  expected.erase("b");
  EXPECT_EQ(tree_at(target()), expected);
  const auto proof = installation_->prove();
  ASSERT_EQ(problem(proof), "");
  EXPECT_EQ(proof->drift.size(), 2U) << "and is said to differ, as it did";
}

TEST_F(RollbackTest, BringsBackWhatPostSyncHadMade) {
  install(kOne, "c1");
  put_file(at("a"), "by npm");
  ASSERT_EQ(problem(installation_->record_rewritten()), "");
  install(kTwo, "c2");
  const auto report = installation_->roll_back();
  ASSERT_EQ(problem(report), "");
  EXPECT_TRUE(report->saved.empty());
  Tree expected = kOne;
  expected["a"] = "by npm";
  EXPECT_EQ(tree_at(target()), expected);
  EXPECT_EQ(installation_->current()->rewritten.size(), 1U);
  EXPECT_TRUE(installation_->prove()->drift.empty());
}

TEST_F(RollbackTest, KeptFilesAreCheckedBeforeUse) {
  install(kOne, "c1");
  install(kTwo, "c2");
  put_file(state() + "/kept/" + git_blob_id("1"), "X");
  const auto report = installation_->roll_back();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().reason, "lacking_blobs");
  EXPECT_EQ(tree_at(target()), kTwo) << "nothing was touched";
  EXPECT_FALSE(installation_->interrupted());
}

TEST_F(RollbackTest, KeptFilesShareNothingWithTheLiveTree) {
  install(kOne, "c1");
  install(kTwo, "c2");
  install(kOne, "c3");
  for (const auto& item : std::filesystem::recursive_directory_iterator(target())) {
    if (item.is_regular_file() && !item.is_symlink()) {
      EXPECT_EQ(std::filesystem::hard_link_count(item.path()), 1U) << item.path();
    }
  }
}

TEST_F(RollbackTest, GarbageCollectionKeepsWhatItMust) {
  for (int i = 1; i <= 6; ++i) {
    install({{"a", "version " + std::to_string(i)}, {"s", "s"}}, "c" + std::to_string(i));
  }
  ASSERT_EQ(problem(installation_->collect_garbage()), "");
  EXPECT_EQ(kept(), (std::vector<std::string>{"c5", "c4", "c3"}));
  EXPECT_EQ(tree_at(state() + "/kept").size(), 3U);
  for (int i = 5; i >= 3; --i) {
    ASSERT_EQ(problem(installation_->roll_back()), "");
    EXPECT_EQ(content_at(at("a")), "version " + std::to_string(i));
    ASSERT_EQ(problem(installation_->collect_garbage()), "");
  }
  EXPECT_EQ(tree_at(state() + "/kept"), Tree());
}

TEST_F(RollbackTest, SavedFilesSurviveGarbageCollection) {
  install(kOne, "c1");
  put_file(at("a"), "edited");
  install(kTwo, "c2");
  const Tree saved = tree_at(state() + "/saved");
  EXPECT_EQ(saved, (Tree{{"2/a", "edited"}}));
  ASSERT_EQ(problem(installation_->collect_garbage()), "");
  EXPECT_EQ(tree_at(state() + "/saved"), saved);
}

TEST_F(RollbackTest, SettingsAloneAreARelease) {
  install(kOne, "c1");
  Release next = release_of(kOne, "c1");
  next.role_revision = "rr1:other";
  const auto report = installation_->activate(next, FirstInstall::refuse);
  ASSERT_EQ(problem(report), "");
  EXPECT_EQ(report->added + report->changed + report->removed, 0U);
  EXPECT_EQ(installation_->current()->role_revision, "rr1:other");
  ASSERT_EQ(problem(installation_->roll_back()), "");
  EXPECT_EQ(installation_->current()->role_revision, "rr1:x");
}

}  // namespace
}  // namespace rolesync
