// SPDX-License-Identifier: Apache-2.0
// Fetching from real repositories, whatever happened to the branch.
#include "server/source/mirror.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "tests/place.hpp"
#include "tests/server/source/git_repository.hpp"

namespace rolesync::source {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = BranchMove::Kind;

class MirrorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = Mirror::open(directory_.path() / "mirrors", "main");
    ASSERT_TRUE(opened.ok()) << opened.error().text();
    mirror_ = std::move(*opened);
  }
  BranchMove fetch(const std::string& branch = "main") {
    auto move = mirror_->fetch_path(repository_.path(), branch);
    EXPECT_TRUE(move.ok()) << move.error().text();
    return move.ok() ? *move : BranchMove{};
  }
  static std::vector<std::string> ids(const BranchMove& move) {
    std::vector<std::string> ids;
    for (const GitCommit& commit : move.commits) ids.push_back(commit.id);
    return ids;
  }

  TemporaryDirectory directory_;
  GitRepository repository_{directory_.path() / "work"};
  std::unique_ptr<Mirror> mirror_;
};

TEST_F(MirrorTest, TellsCreatedUnchangedAndAdvanced) {
  const std::string first = repository_.commit();
  BranchMove move = fetch();
  EXPECT_EQ(move.kind, Kind::created);
  EXPECT_THAT(ids(move), ElementsAre(first));
  EXPECT_EQ(fetch().kind, Kind::unchanged);

  const std::string second = repository_.commit();
  const std::string third = repository_.commit();
  move = fetch();
  EXPECT_EQ(move.kind, Kind::advanced);
  EXPECT_EQ(move.old_head, first);
  EXPECT_EQ(move.new_head, third);
  EXPECT_THAT(ids(move), ElementsAre(second, third));
  EXPECT_EQ(*mirror_->head("main"), third);
}

TEST_F(MirrorTest, MessagesAuthorsAndParentsSurvive) {
  const std::string message =
      "it's \"quoted\" \\ $(id) `id`\n\nemoji \xF0\x9F\x9A\x80, tab\t, {\"json\": 1}\n  -e "
      "--upload-pack=x";
  const std::string first = repository_.commit("first");
  const std::string second = repository_.commit(message);
  const BranchMove move = fetch();
  ASSERT_EQ(move.commits.size(), 2u);
  EXPECT_EQ(move.commits[1].message, message);
  EXPECT_EQ(move.commits[1].author, "Ada \xC3\x96 <ada@example.org>");
  EXPECT_THAT(move.commits[1].parents, ElementsAre(first));
  EXPECT_GT(move.commits[1].committed_at, 1'500'000'000'000);
  const auto again = mirror_->commit(second);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->message, message);
}

TEST_F(MirrorTest, AMessageThatIsNotUtf8IsRepaired) {
  // git commit would convert it; other programs that write commits do not.
  repository_.commit("first");
  const std::string raw = "tree " + repository_.git({"rev-parse", "HEAD^{tree}"}) +
                          "\nauthor A <a@b> 1600000000 +0000\ncommitter A <a@b> 1600000000 +0000\n"
                          "\ncaf\xE9 and more\n";
  const std::string commit = repository_.git({"hash-object", "-t", "commit", "-w", "--stdin"}, raw);
  repository_.git({"update-ref", "refs/heads/main", commit});
  const BranchMove move = fetch();
  ASSERT_EQ(move.commits.size(), 1u);
  EXPECT_EQ(move.commits[0].message, "caf\xEF\xBF\xBD and more");
}

TEST_F(MirrorTest, AMergeBringsBothSidesParentsFirst) {
  const std::string base = repository_.commit("base");
  fetch();
  repository_.git({"checkout", "--quiet", "-b", "side"});
  repository_.write("side.txt", "x");
  const std::string side = repository_.commit("side");
  repository_.git({"checkout", "--quiet", "main"});
  repository_.write("main.txt", "x");
  const std::string main = repository_.commit("main");
  repository_.git({"merge", "--quiet", "--no-ff", "-m", "merged", "side"});
  const BranchMove move = fetch();
  EXPECT_EQ(move.kind, Kind::advanced);
  ASSERT_EQ(move.commits.size(), 3u);
  EXPECT_EQ(move.commits[2].message, "merged");
  EXPECT_THAT(move.commits[2].parents, ElementsAre(main, side));
}

TEST_F(MirrorTest, AnAmendedCommitIsRewrittenAndTheOldOneStays) {
  repository_.commit("first");
  repository_.write("a", "one");
  const std::string old = repository_.commit("second");
  fetch();
  repository_.git({"commit", "--quiet", "--amend", "-m", "second, better"});
  const BranchMove move = fetch();
  EXPECT_EQ(move.kind, Kind::rewritten);
  EXPECT_EQ(move.old_head, old);
  EXPECT_THAT(ids(move), ElementsAre(repository_.head()));
  // Even git's own housekeeping does not take it away.
  run({"git", "--git-dir=" + mirror_->path().string(), "gc", "--quiet", "--prune=now"}, "/");
  EXPECT_TRUE(*mirror_->has_commit(old));
  EXPECT_TRUE(mirror_->tree(old).ok());
}

TEST_F(MirrorTest, HousekeepingIsNoPartOfAFetchAndLosesNothing) {
  const auto packs = [&] {
    const auto entries = std::filesystem::directory_iterator(mirror_->path() / "objects/pack");
    return std::count_if(begin(entries), end(entries),
                         [](const auto& entry) { return entry.path().extension() == ".pack"; });
  };
  std::vector<std::string> commits;
  for (int i = 0; i <= Mirror::fetches_between_tidying; ++i) {
    repository_.write("file", std::to_string(i));
    commits.push_back(repository_.commit("change"));
    fetch();
  }
  EXPECT_GT(packs(), Mirror::fetches_between_tidying);
  mirror_->tidy();
  const auto tidied = packs();
  EXPECT_LE(tidied, 3);
  for (const std::string& commit : commits) EXPECT_TRUE(mirror_->tree(commit).ok()) << commit;
  repository_.commit("one more");
  EXPECT_EQ(fetch().kind, Kind::advanced);
  mirror_->tidy();
  EXPECT_EQ(packs(), tidied + 1) << "not after every fetch";
}

TEST_F(MirrorTest, ABranchThatWentBackIsRewrittenWithoutNewCommits) {
  const std::string first = repository_.commit("first");
  repository_.commit("second");
  fetch();
  repository_.git({"reset", "--quiet", "--hard", first});
  const BranchMove move = fetch();
  EXPECT_EQ(move.kind, Kind::rewritten);
  EXPECT_EQ(move.new_head, first);
  EXPECT_THAT(move.commits, IsEmpty());
}

TEST_F(MirrorTest, ADeletedBranchAndItsReturn) {
  repository_.commit();
  repository_.git({"branch", "release/1"});
  EXPECT_EQ(fetch("release/1").kind, Kind::created);
  const std::string old = repository_.head();
  repository_.git({"branch", "--quiet", "-D", "release/1"});
  const BranchMove move = fetch("release/1");
  EXPECT_EQ(move.kind, Kind::deleted);
  EXPECT_EQ(move.old_head, old);
  EXPECT_EQ(mirror_->head("release/1").error().reason, "branch_missing");
  EXPECT_EQ(fetch("release/1").kind, Kind::unchanged);
  repository_.git({"branch", "release/1"});
  EXPECT_EQ(fetch("release/1").kind, Kind::created);
}

TEST_F(MirrorTest, OnlyTheConfiguredBranchIsFetched) {
  repository_.commit();
  repository_.git({"checkout", "--quiet", "-b", "other"});
  const std::string other = repository_.commit("not for us");
  fetch();
  EXPECT_FALSE(*mirror_->has_commit(other));
  EXPECT_EQ(mirror_->head("other").error().reason, "branch_missing");
  EXPECT_EQ(mirror_->head("mai").error().reason, "branch_missing");
}

TEST_F(MirrorTest, ManyCommitsAreCutToTheNewest) {
  std::string stream;
  for (int i = 0; i < 620; ++i) {
    stream += "commit refs/heads/main\ncommitter A <a@b> " + std::to_string(1'600'000'000 + i) +
              " +0000\ndata 1\nx\n";
  }
  repository_.git({"fast-import", "--quiet", "--force"}, stream);
  const BranchMove move = fetch();
  EXPECT_TRUE(move.truncated);
  ASSERT_EQ(move.commits.size(), 500u);
  EXPECT_EQ(move.commits.back().id, move.new_head);
}

TEST_F(MirrorTest, WhatLooksLikeAnOptionIsRefusedOrJustAName) {
  repository_.commit();
  const auto as_branch = mirror_->fetch_path(repository_.path(), "--upload-pack=touch /tmp/x");
  ASSERT_FALSE(as_branch.ok());
  EXPECT_EQ(as_branch.error().reason, "invalid_branch");
  EXPECT_EQ(mirror_->tree("--output=/tmp/x").error().reason, "invalid_commit");
  EXPECT_EQ(Mirror::open(directory_.path(), "-x/..").error().reason, "invalid_source_name");

  const auto strange = directory_.path() / "-e --upload-pack=x 'q'%";
  GitRepository odd(strange);
  odd.commit("odd");
  const auto move = mirror_->fetch_path(strange, "main");
  ASSERT_TRUE(move.ok()) << move.error().text();
  EXPECT_EQ(move->new_head, odd.head());
}

TEST_F(MirrorTest, ARepositoryThatIsNotThereIsAPlainError) {
  const auto move = mirror_->fetch_path(directory_.path() / "nothing", "main");
  ASSERT_FALSE(move.ok());
  EXPECT_EQ(move.error().reason, "git_failed");
  EXPECT_EQ(mirror_->commit(std::string(40, 'a')).error().reason, "unknown_commit");
}

TEST_F(MirrorTest, TheLockOfAKilledFetchDoesNotStopTheNext) {
  repository_.commit();
  fetch();
  const std::string head = repository_.commit();
  write_file(mirror_->path() / "refs" / "heads" / "main.lock", "");
  write_file(mirror_->path() / "packed-refs.lock", "");
  EXPECT_EQ(fetch().new_head, head);
}

TEST_F(MirrorTest, ConfigurationOfUserRepositoryAndHooksIsIgnored) {
  repository_.commit();
  // A hook in the mirror would run at every fetch if hooks were on.
  const auto mark = directory_.path() / "hook-ran";
  const auto hook = mirror_->path() / "hooks" / "reference-transaction";
  write_file(hook, "#!/bin/sh\ntouch '" + mark.string() + "'\n");
  ::chmod(hook.c_str(), 0755);
  fetch();
  EXPECT_FALSE(std::filesystem::exists(mark));
}

TEST_F(MirrorTest, ARepositoryOfAnotherUserIsReadWhenItsPathIsAllowed) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to give a repository away";
  repository_.commit();
  run({"chown", "-R", "12345:12345", repository_.path().string()}, "/");
  EXPECT_EQ(fetch().kind, Kind::created);
}

// The program that copies between git and the stream; git upload-pack at the other end plays the
// agent.
std::filesystem::path bridge_program() {
  return build_directory() + "/bin/rolesync-plugin-host";
}

TEST_F(MirrorTest, FetchesOverAConnectedDescriptor) {
  const auto bridge = directory_.path() / "a bridge %";
  std::filesystem::create_symlink(bridge_program(), bridge);
  repository_.write("a", std::string(300'000, 'x'));
  repository_.commit("first");
  for (int round = 0; round < 2; ++round) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    std::thread agent([&] {
      ChildSpec serve;
      serve.argv = {"git", "upload-pack", "--strict", (repository_.path() / ".git").string()};
      serve.environment = {{"PATH", "/usr/bin:/bin"}, {"HOME", "/nonexistent"}};
      serve.stdio_fd = ends[1];
      const auto served = run_child(serve);
      EXPECT_TRUE(served.ok() && served->succeeded()) << served->explain();
      ::close(ends[1]);
    });
    const auto move = mirror_->fetch_connection(ends[0], bridge, "main");
    ::close(ends[0]);
    agent.join();
    ASSERT_TRUE(move.ok()) << move.error().text();
    EXPECT_EQ(move->new_head, repository_.head());
    repository_.commit("next");
  }
}

TEST_F(MirrorTest, AConnectionThatEndsIsAnErrorNotAHang) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  ::close(ends[1]);
  const auto move = mirror_->fetch_connection(ends[0], bridge_program(), "main");
  ::close(ends[0]);
  ASSERT_FALSE(move.ok());
  EXPECT_EQ(move.error().reason, "git_failed");
}

TEST_F(MirrorTest, BlobsComeBackByteForByte) {
  repository_.write(".gitattributes", "*.txt text eol=crlf\nhidden.txt export-ignore\n");
  const std::string binary = std::string("a\0b\r\n\n", 6) + std::string(200'000, '\xFF');
  repository_.write("binary", binary);
  repository_.write("empty", "");
  repository_.write("hidden.txt", "kept\n");
  const std::string commit = repository_.commit();
  fetch();
  const auto tree = mirror_->tree(commit);
  ASSERT_TRUE(tree.ok());
  std::vector<std::string> ids, contents;
  for (const TreeEntry& entry : *tree) ids.push_back(entry.id);
  const Status read = mirror_->read_blobs(ids, {.begin =
                                                    [&](const std::string&, std::uint64_t) {
                                                      contents.emplace_back();
                                                      return Status{};
                                                    },
                                                .chunk =
                                                    [&](std::string_view bytes) {
                                                      contents.back() += bytes;
                                                      return Status{};
                                                    },
                                                .end = [] { return Status{}; }});
  ASSERT_TRUE(read.ok()) << read.error().text();
  ASSERT_EQ(contents.size(), 4u);
  EXPECT_EQ(contents[1], binary);
  EXPECT_EQ(contents[2], "");
  EXPECT_EQ(contents[3], "kept\n");
}

TEST_F(MirrorTest, ABlobThatIsNotThereIsAnError) {
  repository_.commit();
  fetch();
  const Status read = mirror_->read_blobs(
      {std::string(40, 'b')}, {.begin = [](const std::string&, std::uint64_t) { return Status{}; },
                               .chunk = [](std::string_view) { return Status{}; },
                               .end = [] { return Status{}; }});
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.error().message, HasSubstr("has no blob"));
}

TEST_F(MirrorTest, TellsWhatEveryCommitChanged) {
  repository_.write("web/a", "1");
  repository_.write("api/b", "1");
  const std::string first = repository_.commit();
  repository_.write("web/a", "2");
  repository_.write("web/new", "n");
  const std::string second = repository_.commit();
  repository_.git({"rm", "-q", "web/new"});
  const std::string third = repository_.commit();
  fetch();
  std::vector<std::string> told;
  const auto tell = [&](const std::vector<std::string>& paths, std::size_t most) {
    told.clear();
    const Status read =
        mirror_->history(paths, most,
                         {.commit = [&](const std::string& id) { told.push_back(id); },
                          .change =
                              [&](const TreeChange& change) {
                                told.push_back(change.path + (change.id.empty() ? " gone" : ""));
                              }});
    EXPECT_TRUE(read) << read.error().text();
    return told;
  };
  EXPECT_THAT(tell({"web"}, 100),
              ElementsAre(third, "web/a", second, "web/new", first, "web/a", "web/new gone"));
  EXPECT_THAT(tell({}, 1), ElementsAre(third, "api/b", "web/a"));
  EXPECT_THAT(tell({":(top)web"}, 1), ElementsAre(third)) << "a path is a path, not a pattern";
}

}  // namespace
}  // namespace rolesync::source
