// SPDX-License-Identifier: Apache-2.0
// Looking at the disk: every kind of drift is seen, nothing else is, and what did not change is not
// read again.
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/host/activation/recording_file_system.hpp"
#include "tests/host/activation/tree_fixture.hpp"

namespace rolesync {
namespace {

using Drifts = std::map<std::string, DriftKind>;

// Files that a test writes within one tick of the clock look as if a change could still hide in
// them. This one says that an hour has passed, and can freeze what stat() tells.
class LaterFileSystem : public RecordingFileSystem {
 public:
  std::int64_t later = 3600LL * 1'000'000'000;
  std::map<std::string, FileStat> frozen;  // by path below the target

  std::int64_t now_ns() override { return RecordingFileSystem::now_ns() + later; }
  void stat_below(const std::string& base, const std::vector<const std::string*>& paths,
                  const StatSink& sink) override {
    RecordingFileSystem::stat_below(base, paths, [&](std::size_t i, const Result<FileStat>& stat) {
      const auto at = frozen.find(*paths[i]);
      sink(i, at == frozen.end() ? stat : Result<FileStat>(at->second));
    });
  }
};

class ProofTest : public TreeTest {
 protected:
  void SetUp() override {
    installation_ = open_on(fs_);
    ASSERT_EQ(problem(deploy(*installation_, tree_)), "");
  }
  std::unique_ptr<Installation> open_on(FileSystem& fs) {
    auto installation = Installation::open(fs, options());
    EXPECT_TRUE(installation.ok()) << problem(installation);
    return installation ? std::move(*installation) : nullptr;
  }
  Proof proof(bool full = false) {
    const auto proof = installation_->prove(full);
    EXPECT_EQ(problem(proof), "");
    return proof ? *proof : Proof();
  }
  Drifts drift(bool full = false) {
    Drifts drifts;
    for (const Drift& item : proof(full).drift) drifts[item.path] = item.kind;
    return drifts;
  }

  const Tree tree_ = {
      {"a", "text"}, {"d/b", "bytes"}, {"d/c", "#!run"}, {"l", "->a"}, {"d.x", "x"}};
  LaterFileSystem fs_;
  std::unique_ptr<Installation> installation_;
};

TEST_F(ProofTest, CleanTreeIsStattedOnly) {
  EXPECT_EQ(drift(), Drifts());
  fs_.calls.clear();
  const Proof second = proof();
  EXPECT_EQ(second.files, tree_.size());
  EXPECT_EQ(second.hashed, 0U);
  EXPECT_EQ(fs_.calls["stat_below"], tree_.size());
  EXPECT_EQ(fs_.total(), tree_.size()) << "one stat per file and nothing else";
  EXPECT_EQ(proof(true).hashed, tree_.size());
  EXPECT_GT(second.verified_at, 1'700'000'000'000);
}

TEST_F(ProofTest, RestartDoesNotReadEverythingAgain) {
  proof();
  installation_.reset();
  installation_ = open_on(fs_);
  EXPECT_EQ(proof().hashed, 0U);
}

TEST_F(ProofTest, ADamagedCacheOnlyCostsTime) {
  proof();
  installation_.reset();
  for (const std::string& text :
       {std::string("nonsense"), std::string(), content_at(state() + "/stats").substr(0, 100)}) {
    put_file(state() + "/stats", text);
    installation_ = open_on(fs_);
    EXPECT_EQ(proof().hashed, tree_.size());
    installation_.reset();
  }
}

TEST_F(ProofTest, KindsOfDrift) {
  put_file(at("a"), "TEXT");  // same size
  std::filesystem::remove(at("d/b"));
  std::filesystem::permissions(at("d/c"), std::filesystem::perms::owner_exec,
                               std::filesystem::perm_options::remove);
  std::filesystem::remove(at("l"));
  put_file(at("l"), "a");
  EXPECT_EQ(drift(), (Drifts{{"a", DriftKind::changed},
                             {"d/b", DriftKind::removed},
                             {"d/c", DriftKind::mode_changed},
                             {"l", DriftKind::replaced}}));
  EXPECT_EQ(drift(true).size(), 4U);
  EXPECT_EQ(proof().hashed, 0U) << "drifted files are not read at every proof";
  put_file(at("a"), "text");
  put_file(at("l"), "->a");
  put_file(at("d/b"), "bytes");
  std::filesystem::remove_all(at("d/c"));
  std::filesystem::create_directory(at("d/c"));
  EXPECT_EQ(drift(), (Drifts{{"d/c", DriftKind::replaced}}));
  std::filesystem::remove_all(at("d"));
  put_file(at("d"), "a file now");
  EXPECT_EQ(drift(), (Drifts{{"d/b", DriftKind::removed}, {"d/c", DriftKind::removed}}));
}

TEST_F(ProofTest, OnlyTheOwnersExecutableBitCounts) {
  ASSERT_EQ(::chmod(at("a").c_str(), 0600), 0);
  ASSERT_EQ(::chmod(at("d/b").c_str(), 0666), 0);
  ASSERT_EQ(::chmod(at("d/c").c_str(), 0700), 0);
  EXPECT_EQ(drift(), Drifts());
  put_file(at("unmanaged"), "u");
  put_file(at("d/unmanaged"), "u");
  EXPECT_EQ(drift(), Drifts());
}

// Two writes within one tick of the clock leave the same stat. What was read in between is the
// first of them, and must not be believed for ever.
TEST_F(ProofTest, RacyEntriesAreReadAgain) {
  proof();
  put_file(at("a"), "TEXT");
  const FileStat stat = *fs_.stat(at("a"));
  put_file(at("a"), "text");
  fs_.frozen["a"] = stat;  // whatever happens, stat() says this
  fs_.later = stat.ctime_ns - real_file_system().now_ns() + 1'000'000;  // 1 ms after the write
  EXPECT_EQ(drift(), Drifts());
  put_file(at("a"), "TEXT");  // the hidden second write
  EXPECT_EQ(drift(), (Drifts{{"a", DriftKind::changed}})) << "its stat was too young to be trusted";
}

TEST_F(ProofTest, SettledEntriesAreTrusted) {
  proof();
  const FileStat stat = *fs_.stat(at("a"));
  fs_.frozen["a"] = stat;
  proof();
  put_file(at("a"), "TEXT");
  EXPECT_EQ(drift(), Drifts()) << "the counterpart: this shows that the test above tests something";
  EXPECT_EQ(drift(true).size(), 1U);
}

TEST_F(ProofTest, ForgedTimesDoNotHideAChange) {
  proof();
  const FileStat before = *fs_.stat(at("a"));
  put_file(at("a"), "TEXT");
  const timespec old{before.mtime_ns / 1'000'000'000, before.mtime_ns % 1'000'000'000};
  const timespec times[2] = {old, old};
  ASSERT_EQ(::utimensat(AT_FDCWD, at("a").c_str(), times, 0), 0);
  // The clock's tick is awaited: within one, ctime could not tell either.
  while (fs_.stat(at("a"))->ctime_ns == before.ctime_ns) {
    ASSERT_EQ(::utimensat(AT_FDCWD, at("a").c_str(), times, 0), 0);
  }
  ASSERT_EQ(fs_.stat(at("a"))->mtime_ns, before.mtime_ns);
  EXPECT_EQ(drift(), (Drifts{{"a", DriftKind::changed}}));
}

TEST_F(ProofTest, NamedPathsOnly) {
  proof();
  put_file(at("a"), "TEXT");
  put_file(at("d/b"), "BYTES");
  put_file(at("d.x"), "X");
  const auto named = installation_->prove_paths({"d", "unmanaged", "../out", "l"});
  ASSERT_EQ(problem(named), "");
  EXPECT_EQ(named->files, 3U) << "d/b, d/c, l";
  ASSERT_EQ(named->drift.size(), 1U);
  EXPECT_EQ(named->drift[0].path, "d/b");
  const auto more = installation_->prove_paths({"a", "a"});
  ASSERT_EQ(problem(more), "");
  EXPECT_EQ(more->files, 1U);
  EXPECT_EQ(more->drift.size(), 2U) << "what was known before stays known";
  put_file(at("d/b"), "bytes");
  const auto repaired = installation_->prove_paths({"d/b"});
  ASSERT_EQ(problem(repaired), "");
  EXPECT_EQ(repaired->drift.size(), 1U);
}

TEST_F(ProofTest, AfterAnActivationOnlyTheDifferenceIsRead) {
  proof();
  Tree next = tree_;
  next["a"] = "text2";
  next["n"] = "new";
  ASSERT_EQ(problem(deploy(*installation_, next)), "");
  EXPECT_LE(proof().hashed, 2U);
  EXPECT_EQ(proof().hashed, 0U);
  put_file(at("a"), "other");
  EXPECT_EQ(drift(), (Drifts{{"a", DriftKind::changed}}));
}

TEST_F(ProofTest, ASyncTrustsTheLastProofWhenTold) {
  proof();
  put_file(at("d/b"), "BYTES");
  const auto trusted = installation_->lacking(manifest_of(tree_), Look::trust);
  ASSERT_EQ(problem(trusted), "");
  EXPECT_TRUE(trusted->empty());
  const auto looked = installation_->lacking(manifest_of(tree_), Look::again);
  ASSERT_EQ(problem(looked), "");
  EXPECT_EQ(looked->size(), 1U);
}

TEST_F(ProofTest, RewrittenFilesAreNotDrift) {
  put_file(at("a"), "by npm");
  std::filesystem::remove(at("d/b"));
  const auto rewritten = installation_->record_rewritten();
  ASSERT_EQ(problem(rewritten), "");
  EXPECT_EQ(*rewritten, (std::vector<std::string>{"a", "d/b"}));
  EXPECT_EQ(drift(), Drifts());
  installation_.reset();
  installation_ = open_on(fs_);
  EXPECT_EQ(installation_->current()->rewritten,
            (std::map<std::string, std::string>{{"a", git_blob_id("by npm")}, {"d/b", ""}}));
  EXPECT_EQ(drift(true), Drifts());
  put_file(at("a"), "by hand");
  EXPECT_EQ(drift(), (Drifts{{"a", DriftKind::changed}}));
  put_file(at("d/b"), "back");  // nothing should be there
  EXPECT_EQ(drift(), (Drifts{{"a", DriftKind::changed}, {"d/b", DriftKind::added}}));
  std::filesystem::remove(at("d/b"));
  std::filesystem::create_directory(at("d/b"));
  EXPECT_EQ(drift()["d/b"], DriftKind::added);
}

// The next release starts from the committed file again, and does not fetch it every time.
TEST_F(ProofTest, RewrittenFilesAreRestoredByTheNextRelease) {
  Tree next = tree_;
  for (int round = 0; round < 3; ++round) {
    put_file(at("a"), "by npm " + std::to_string(round));
    ASSERT_EQ(problem(installation_->record_rewritten()), "");
    next["d/b"] = "bytes " + std::to_string(round);
    EXPECT_EQ(fetch(*installation_, next), round == 0 ? 2U : 1U);
    const auto report = installation_->activate(release_of(next), FirstInstall::refuse);
    ASSERT_EQ(problem(report), "");
    EXPECT_TRUE(report->saved.empty()) << "what post_sync made is not a local edit";
    EXPECT_EQ(tree_at(target()), next);
    ASSERT_EQ(problem(installation_->collect_garbage()), "");
  }
}

TEST_F(ProofTest, NothingInstalledIsAnEmptyProof) {
  InstallationOptions other = options("other");
  auto fresh = Installation::open(fs_, other);
  ASSERT_TRUE(fresh.ok());
  const auto proof = (*fresh)->prove();
  ASSERT_EQ(problem(proof), "");
  EXPECT_EQ(proof->files, 0U);
  EXPECT_TRUE(proof->drift.empty());
}

}  // namespace
}  // namespace rolesync
