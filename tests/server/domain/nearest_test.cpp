// SPDX-License-Identifier: Apache-2.0
// A tree that nobody recorded is recognised: the nearest commit, and every kind of difference.
#include "server/domain/nearest.hpp"

#include <gtest/gtest.h>

#include <map>

#include "host/values/hash.hpp"

namespace rolesync::domain {
namespace {

using Tree = std::map<std::string, std::string>;

ManifestEntry entry(const std::string& path, const std::string& text) {
  const FileMode mode = text.starts_with("#!") ? FileMode::executable : FileMode::regular;
  return {mode, git_blob_id(text), text.size(), path};
}

Manifest manifest(const Tree& tree) {
  std::vector<ManifestEntry> entries;
  for (const auto& [path, text] : tree) entries.push_back(entry(path, text));
  return *Manifest::from_entries(std::move(entries));
}

// Newest first.
RoleHistory history(const std::vector<std::pair<std::string, Tree>>& commits) {
  RoleHistory history;
  Tree before;
  for (const auto& [id, tree] : commits) {
    history.begin_commit(id);
    for (const auto& [path, text] : before) {
      if (!tree.contains(path)) history.removed(path);
    }
    for (const auto& [path, text] : tree) {
      const auto old = before.find(path);
      if (old != before.end() && old->second == text) continue;
      const ManifestEntry file = entry(path, text);
      history.placed(path, file.mode, file.blob_id);
    }
    before = tree;
  }
  return history;
}

const Tree kOld = {{"a", "a1"}, {"b", "b1"}, {"gone", "g1"}, {"run", "#!x"}};
const Tree kMiddle = {{"a", "a2"}, {"b", "b1"}, {"c", "c1"}, {"run", "#!x"}};
const Tree kNew = {{"a", "a3"}, {"b", "b2"}, {"c", "c2"}, {"run", "#!x"}};
const std::vector<std::pair<std::string, Tree>> kCommits = {
    {"new", kNew}, {"middle again", kMiddle}, {"middle", kMiddle}, {"old", kOld}};

std::map<std::string, std::string> kinds(const Nearest& nearest) {
  std::map<std::string, std::string> kinds;
  for (const Difference& difference : nearest.differences) {
    kinds[difference.path] = difference.kind;
  }
  return kinds;
}

TEST(Nearest, AnExactTreeIsItsNewestCommit) {
  const auto nearest = nearest_commit(history(kCommits), manifest(kMiddle));
  ASSERT_TRUE(nearest);
  EXPECT_EQ(nearest->commit, "middle again");
  EXPECT_EQ(nearest->same, 4U);
  EXPECT_TRUE(nearest->differences.empty());
}

TEST(Nearest, EveryKindOfDifferenceIsNamed) {
  Tree disk = kMiddle;
  disk["a"] = "a3";       // as another commit has it
  disk["b"] = "by hand";  // as none has it
  disk.erase("c");        // gone
  disk["gone"] = "g1";    // from an older commit
  const RoleHistory commits =
      history({{"middle", kMiddle}, {"other", {{"a", "a3"}}}, {"old", kOld}});
  Tree more = disk;
  more["run"] = "x";
  const auto nearest = nearest_commit(commits, manifest(disk), "middle");
  ASSERT_TRUE(nearest);
  EXPECT_EQ(kinds(*nearest),
            (std::map<std::string, std::string>{
                {"a", "changed"}, {"b", "edited"}, {"c", "missing"}, {"gone", "ghost"}}));
  ASSERT_EQ(nearest->ghosts.size(), 1U);
  EXPECT_EQ(nearest->ghosts[0].path, "gone");
  EXPECT_EQ(nearest->same, 1U);
}

TEST(Nearest, TheExecutableBitCounts) {
  std::vector<ManifestEntry> entries;
  for (const auto& [path, text] : kMiddle) entries.push_back(entry(path, text));
  for (ManifestEntry& file : entries) file.mode = FileMode::regular;
  const auto nearest = nearest_commit(history(kCommits), *Manifest::from_entries(entries));
  ASSERT_TRUE(nearest);
  EXPECT_EQ(kinds(*nearest), (std::map<std::string, std::string>{{"run", "mode_changed"}}));
}

TEST(Nearest, AFileThatNoCommitHasSoIsNobodysGhost) {
  Tree disk = kNew;
  disk["gone"] = "a secret that was committed once by mistake";
  const auto nearest = nearest_commit(history(kCommits), manifest(disk));
  ASSERT_TRUE(nearest);
  EXPECT_EQ(nearest->commit, "new");
  EXPECT_TRUE(nearest->differences.empty());
  EXPECT_TRUE(nearest->ghosts.empty());
  EXPECT_EQ(nearest->strangers, 1U);
}

TEST(Nearest, WhatResemblesNoCommitIsNotGuessed) {
  EXPECT_FALSE(nearest_commit(history(kCommits), manifest({})));
  EXPECT_FALSE(nearest_commit(history(kCommits), manifest({{"a", "mine"}, {"b", "mine too"}})));
  EXPECT_FALSE(nearest_commit(history(kCommits), manifest(kNew), "unheard of"));
  EXPECT_FALSE(nearest_commit(RoleHistory(), manifest(kNew)));
  // A commit without any file is not the nearest to a tree that has few right ones.
  const auto emptied = history({{"emptied", {}}, {"old", kOld}});
  const auto nearest = nearest_commit(emptied, manifest({{"a", "a1"}, {"b", "?"}, {"gone", "?"}}));
  ASSERT_TRUE(nearest);
  EXPECT_EQ(nearest->commit, "old");
}

TEST(Nearest, ThePathsAreThoseOfAllCommits) {
  EXPECT_EQ(history(kCommits).paths(), (std::vector<std::string>{"a", "b", "c", "gone", "run"}));
}

TEST(Nearest, GhostsBecomePartOfWhatIsAdopted) {
  const Manifest middle = manifest(kMiddle);
  const auto base = with_ghosts(middle, {entry("gone", "g1"), entry("a/below", "x")});
  ASSERT_TRUE(base);
  EXPECT_NE(base->find("gone"), nullptr);
  EXPECT_EQ(base->find("a/below"), nullptr) << "a is a file of the commit";
  EXPECT_EQ(base->entries().size(), middle.entries().size() + 1);
  EXPECT_EQ(with_ghosts(middle, {})->content_id(), middle.content_id());
}

}  // namespace
}  // namespace rolesync::domain
