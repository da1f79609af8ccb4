// SPDX-License-Identifier: Apache-2.0
// How a switch behaves when an operation fails, when the world moves meanwhile, and what it costs.
#include "tests/host/activation/crash_story.hpp"
#include "tests/host/activation/recording_file_system.hpp"

namespace rolesync {
namespace {

// Fails the n-th change (from 1) with an error; calls `meanwhile` before it.
class FailingFileSystem : public RecordingFileSystem {
 public:
  std::size_t fail_at = 0;
  std::size_t seen = 0;
  bool forever = false;  // every change after it fails too
  std::function<void()> meanwhile;

 protected:
  Status before(const Recorded& change) override {
    ++seen;
    if (fail_at == 0 || seen < fail_at || (seen > fail_at && !forever)) return {};
    if (meanwhile) meanwhile();
    return Error{ErrorKind::unavailable, "enospc", "no space for " + change.a};
  }
};

class SwitchTest : public TreeTest {
 protected:
  // How many changes one activation makes.
  std::size_t changes(const std::string& top) {
    FailingFileSystem fs;
    std::filesystem::create_directory(top);
    crash_story::prepare(fs, top, false);
    auto installation = Installation::open(fs, crash_story::options(top));
    fetch(**installation, crash_story::kNew);
    fs.seen = 0;
    EXPECT_EQ(problem(crash_story::activate(**installation)), "");
    return fs.seen;
  }
};

// Disk full (or anything else) at every single change: the caller gets an error and the old
// release, or an installation that says it is interrupted and recovers.
TEST_F(SwitchTest, AnErrorAtEveryChange) {
  const std::size_t all = changes(root() + "/count");
  ASSERT_GE(all, 40U);
  for (const bool forever : {false, true}) {
    std::size_t interrupted = 0;
    for (std::size_t n = 1; n <= all; ++n) {
      const std::string top = root() + "/run";
      std::filesystem::remove_all(top);
      std::filesystem::create_directory(top);
      FailingFileSystem fs;
      ASSERT_NO_FATAL_FAILURE(crash_story::prepare(fs, top, false));
      {
        auto installation = Installation::open(fs, crash_story::options(top));
        ASSERT_EQ(problem(installation), "");
        fetch(**installation, crash_story::kNew);
        fs.seen = 0;
        fs.fail_at = n;
        fs.forever = forever;
        const auto report = crash_story::activate(**installation);
        // Once the new marker is there, a failure to prune or to tidy up need not be one.
        if (!report) {
          EXPECT_EQ(report.error().kind, ErrorKind::unavailable) << n;
        }
        if ((*installation)->interrupted()) {
          ++interrupted;
          EXPECT_EQ((*installation)->prove().error().reason, "recovery_needed");
          EXPECT_EQ((*installation)->lacking(Manifest()).error().reason, "recovery_needed");
          EXPECT_EQ((*installation)->roll_back().error().reason, "recovery_needed");
          EXPECT_EQ((*installation)->remove().error().reason, "recovery_needed");
        } else if (!report) {
          EXPECT_NE((*installation)->current(), nullptr);
        }
      }
      EXPECT_EQ(crash_story::recover_and_check(top, false), "") << "change " << n << forever;
      if (n % 3 != 0) continue;
      EXPECT_EQ(crash_story::update_and_roll_back(top, false), "") << n;
    }
    EXPECT_GE(interrupted, forever ? 10U : 0U);
  }
}

// Recovery itself is interrupted at every change, then runs again.
TEST_F(SwitchTest, RecoveryIsInterruptedToo) {
  const std::string broken = root() + "/broken";
  const std::size_t all = changes(root() + "/count");
  for (const std::size_t middle : {all / 2, all * 3 / 4, all - 5}) {
    for (std::size_t n = 1; n < 40; ++n) {
      std::filesystem::remove_all(broken);
      std::filesystem::create_directory(broken);
      FailingFileSystem fs;
      ASSERT_NO_FATAL_FAILURE(crash_story::prepare(fs, broken, false));
      auto installation = Installation::open(fs, crash_story::options(broken));
      fetch(**installation, crash_story::kNew);
      fs.seen = 0;
      fs.fail_at = middle;
      fs.forever = true;
      EXPECT_FALSE(crash_story::activate(**installation).ok());
      fs.seen = 0;
      fs.fail_at = n;
      (void)(*installation)->recover().ok();
      installation = Result<std::unique_ptr<Installation>>(std::unique_ptr<Installation>());
      ASSERT_EQ(crash_story::recover_and_check(broken, false), "") << middle << " " << n;
    }
  }
}

TEST_F(SwitchTest, RollsBackWhenAStagedFileIsMissing) {
  FailingFileSystem fs;
  ASSERT_NO_FATAL_FAILURE(crash_story::prepare(fs, root(), false));
  auto installation = Installation::open(fs, crash_story::options(root()));
  fetch(**installation, crash_story::kNew);
  fs.seen = 0;
  fs.fail_at = changes(root() + "/count") / 2;
  fs.forever = true;
  EXPECT_FALSE(crash_story::activate(**installation).ok());
  ASSERT_TRUE((*installation)->interrupted());
  installation = Result<std::unique_ptr<Installation>>(std::unique_ptr<Installation>());
  // What a file that the switch cleared left is taken by somebody else.
  if (!std::filesystem::exists(at("gone/one"))) put_file(at("gone/one"), "taken");
  for (const auto& item : std::filesystem::directory_iterator(state() + "/staging")) {
    if (item.path().filename() == git_blob_id("is a file now"))
      std::filesystem::remove(item.path());
    if (item.path().filename() == git_blob_id("moved in")) std::filesystem::remove(item.path());
  }
  auto again = open();
  EXPECT_TRUE(again->interrupted());
  const auto done = again->recover();
  ASSERT_EQ(problem(done), "");
  EXPECT_EQ(*done, "rolled_back");
  EXPECT_EQ(again->current()->commit, "old");
  again.reset();
  EXPECT_EQ(crash_story::recover_and_check(root(), false), "");
}

// How far the switch got is known to nobody then: no release is named, and nothing is touched.
TEST_F(SwitchTest, AJournalThatSomebodyDeletedIsMissed) {
  const std::size_t half = changes(root() + "/count") / 2;
  for (const bool fresh : {false, true}) {
    const std::string disk = root() + (fresh ? "/fresh" : "/update");
    std::filesystem::create_directory(disk);
    FailingFileSystem fs;
    ASSERT_NO_FATAL_FAILURE(crash_story::prepare(fs, disk, fresh));
    auto installation = Installation::open(fs, crash_story::options(disk));
    fetch(**installation, crash_story::kNew);
    fs.seen = 0;
    fs.fail_at = half;
    fs.forever = true;
    EXPECT_FALSE(crash_story::activate(**installation).ok());
    ASSERT_TRUE((*installation)->interrupted());
    installation = Result<std::unique_ptr<Installation>>(std::unique_ptr<Installation>());
    const std::string state = disk + "/.rolesync/web";
    ASSERT_TRUE(std::filesystem::remove(state + "/journal"));
    const Tree before = tree_at(disk + "/srv/app");

    const auto again = Installation::open(real_file_system(), crash_story::options(disk));
    ASSERT_FALSE(again.ok());
    EXPECT_EQ(again.error().reason, "state_damaged");
    EXPECT_NE(again.error().message.find(state + "/journal"), std::string::npos)
        << again.error().message;
    EXPECT_EQ(roles_with_state(real_file_system(), disk), std::vector<std::string>{"web"});
    EXPECT_EQ(tree_at(disk + "/srv/app"), before);

    // Whoever has found out what is there adopts it.
    ASSERT_EQ(problem(Installation::set_aside(real_file_system(), crash_story::options(disk))), "");
    auto anew = Installation::open(real_file_system(), crash_story::options(disk));
    ASSERT_EQ(problem(anew), "");
    ASSERT_EQ(problem((*anew)->adopt(release_of(crash_story::kNew, "new"))), "");
    EXPECT_FALSE((*anew)->prove()->drift.empty());
    EXPECT_EQ(tree_at(disk + "/srv/app"), before);
  }
}

TEST_F(SwitchTest, FilesThatAppearDuringTheSwitchAreSaved) {
  FailingFileSystem fs;
  auto installation = Installation::open(fs, options());
  const Tree one = {{"a", "1"}, {"d/x", "x"}};
  ASSERT_EQ(problem(deploy(**installation, one)), "");
  const Tree two = {{"a", "2"}, {"d", "file"}, {"new", "n"}};
  fetch(**installation, two);
  ASSERT_EQ(problem((*installation)->verify_staged(manifest_of(two), FirstInstall::refuse)), "");
  put_file(at("a"), "edited at the last moment");
  put_file(at("new"), "made at the last moment");
  put_file(at("d/y"), "put there at the last moment");
  const auto report = (*installation)->activate(release_of(two), FirstInstall::refuse);
  ASSERT_EQ(problem(report), "");
  EXPECT_EQ(tree_at(target()), two);
  Tree saved;
  for (const SavedFile& file : report->saved) saved[file.path] = content_at(file.saved_as);
  EXPECT_EQ(saved, (Tree{{"a", "edited at the last moment"},
                         {"new", "made at the last moment"},
                         {"d/y", "put there at the last moment"}}));
}

// Ten times the tree, the same difference: the file system must not notice.
TEST_F(SwitchTest, CostFollowsTheDifference) {
  std::map<std::size_t, std::size_t> cost;
  std::map<std::size_t, std::size_t> syncs;
  for (const std::size_t files : {200U, 2000U}) {
    Tree tree;
    for (std::size_t i = 0; i < files; ++i) {
      tree["dir" + std::to_string(i % 40) + "/file" + std::to_string(i)] = std::to_string(i);
    }
    const std::string top = root() + "/" + std::to_string(files);
    std::filesystem::create_directory(top);
    RecordingFileSystem fs;
    auto installation = Installation::open(fs, crash_story::options(top));
    ASSERT_EQ(problem(deploy(**installation, tree)), "");
    ASSERT_EQ(problem((*installation)->prove()), "");
    for (const std::string name : {"dir0/file0", "dir1/file1", "dir2/file2"})
      tree[name] = "changed";
    tree.erase("dir3/file3");
    tree["dir4/added"] = "added";
    const auto lacking = (*installation)->lacking(manifest_of(tree), Look::trust);
    ASSERT_EQ(problem(lacking), "");
    for (const ManifestEntry& entry : *lacking) {
      const std::string bytes = entry.size == 7 ? "changed" : "added";
      put_file((*installation)->staging() / entry.blob_id, bytes);
    }
    fs.calls.clear();
    const auto report = (*installation)->activate(release_of(tree), FirstInstall::refuse);
    ASSERT_EQ(problem(report), "");
    EXPECT_EQ(report->changed + report->added + report->removed, 5U);
    cost[files] = fs.total();
    syncs[files] = fs.calls["sync_file"] + fs.calls["sync_directory"];
    ASSERT_EQ(tree_at(top + "/srv/app"), tree);
  }
  std::printf("operations: %zu for 200 files, %zu for 2000; syncs: %zu\n", cost[200], cost[2000],
              syncs[2000]);
  EXPECT_LE(static_cast<double>(cost[2000]), 1.3 * static_cast<double>(cost[200]));
  EXPECT_LE(syncs[2000], 22U) << "4 staged files, 5 live directories, and the state";
  EXPECT_EQ(syncs[2000], syncs[200]);
}

}  // namespace
}  // namespace rolesync
