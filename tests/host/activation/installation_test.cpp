// SPDX-License-Identifier: Apache-2.0
// Installing, updating and undeploying on a real directory: what is ours is exact, what is not ours
// is never touched.
#include "host/activation/installation.hpp"

#include <sys/stat.h>

#include "host/activation/pack.hpp"
#include "tests/host/activation/tree_fixture.hpp"

namespace rolesync {
namespace {

using InstallationTest = TreeTest;

const Tree kOne = {{"index.html", "one"},     {"bin/run", "#!/bin/sh\n"}, {"lib/a.js", "a"},
                   {"lib/deep/b.js", "b"},    {"with space", "s"},        {"new\nline", "n"},
                   {"\xc3\xa4\xff", "bytes"}, {"current", "->lib/a.js"},  {"empty", ""}};

TEST_F(InstallationTest, FirstInstall) {
  auto installation = open();
  EXPECT_EQ(installation->current(), nullptr);
  EXPECT_EQ(fetch(*installation, kOne), 8U);  // nobody sends the empty blob
  EXPECT_EQ(problem(installation->verify_staged(manifest_of(kOne), FirstInstall::refuse)), "");
  EXPECT_FALSE(std::filesystem::exists(target())) << "verifying touches nothing live";
  const auto report = installation->activate(release_of(kOne, "c1"), FirstInstall::refuse);
  ASSERT_EQ(problem(report), "");
  EXPECT_EQ(report->added, kOne.size());
  EXPECT_EQ(report->changed + report->removed + report->saved.size(), 0U);
  EXPECT_EQ(tree_at(target()), kOne);
  ASSERT_NE(installation->current(), nullptr);
  EXPECT_EQ(installation->current()->commit, "c1");
  EXPECT_EQ(installation->current()->role, "web");
  EXPECT_EQ(installation->current()->content_id, manifest_of(kOne).content_id());
  struct stat seen {};
  ASSERT_EQ(::stat(state().c_str(), &seen), 0);
  EXPECT_EQ(seen.st_mode & 0777, 0700U);
  EXPECT_EQ(tree_at(state() + "/staging"), Tree());
  EXPECT_FALSE(installation->interrupted());
}

TEST_F(InstallationTest, IsRememberedByTheDisk) {
  ASSERT_EQ(problem(deploy(*open(), kOne, FirstInstall::refuse, "c1")), "");
  auto installation = open();
  ASSERT_NE(installation->current(), nullptr);
  EXPECT_EQ(installation->current()->commit, "c1");
  EXPECT_EQ(installation->current()->role_snapshot, "{}");
  EXPECT_EQ(installation->current()->manifest.entries(), manifest_of(kOne).entries());
  EXPECT_EQ(roles_with_state(real_file_system(), root()), std::vector<std::string>{"web"});
}

TEST_F(InstallationTest, APackStagesAllOfAChangeOrNothing) {
  auto installation = open();
  ASSERT_EQ(problem(deploy(*installation, kOne)), "");
  Tree next = kOne;
  next["index.html"] = "one, changed";
  next["lib/new"] = "new";
  const auto pack = make_pack("one", "one, changednew");
  const auto wrong = make_pack("one", "one, changedNEW");
  ASSERT_TRUE(pack.ok() && wrong.ok());
  EXPECT_EQ(installation->stage_pack(manifest_of(next), *wrong).error().reason, "invalid_pack");
  EXPECT_EQ(installation->stage_pack(manifest_of(next), "").error().reason, "invalid_pack");
  EXPECT_EQ(tree_at(state() + "/staging"), Tree());
  put_file(at("index.html"), "two");
  EXPECT_EQ(installation->stage_pack(manifest_of(next), *pack).error().reason, "base_changed");
  put_file(at("index.html"), "one");
  ASSERT_EQ(problem(installation->stage_pack(manifest_of(next), *pack)), "");
  EXPECT_EQ(fetch(*installation, next), 0U);
  ASSERT_EQ(problem(installation->activate(release_of(next, "c2"), FirstInstall::refuse)), "");
  EXPECT_EQ(tree_at(target()), next);
}

TEST_F(InstallationTest, UpdateTouchesOnlyTheDifference) {
  auto installation = open();
  ASSERT_EQ(problem(deploy(*installation, kOne)), "");
  put_file(at(".env"), "secret");
  put_file(at("node_modules/x/y"), "y");
  put_file(at("lib/deep/log.txt"), "log");
  const auto untouched = std::filesystem::last_write_time(at("index.html"));
  struct stat before {};
  ASSERT_EQ(::stat(at("index.html").c_str(), &before), 0);

  Tree two = kOne;
  two.erase("lib/deep/b.js");
  two.erase("bin/run");
  two["lib/a.js"] = "a2";
  two["added/here.txt"] = "new";
  two["current"] = "->index.html";
  const auto report = deploy(*installation, two);
  ASSERT_EQ(problem(report), "");
  EXPECT_EQ(report->added, 1U);
  EXPECT_EQ(report->changed, 2U);
  EXPECT_EQ(report->removed, 2U);
  EXPECT_TRUE(report->saved.empty());
  Tree expected = two;
  expected[".env"] = "secret";
  expected["node_modules/x/y"] = "y";
  expected["lib/deep/log.txt"] = "log";
  EXPECT_EQ(tree_at(target()), expected);
  EXPECT_FALSE(std::filesystem::exists(at("bin"))) << "empty directories of ours go";
  EXPECT_TRUE(std::filesystem::exists(at("lib/deep"))) << "others' files keep theirs";
  struct stat after {};
  ASSERT_EQ(::stat(at("index.html").c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
  EXPECT_EQ(untouched, std::filesystem::last_write_time(at("index.html")));
}

TEST_F(InstallationTest, ModesOnly) {
  auto installation = open();
  ASSERT_EQ(problem(deploy(*installation, {{"run", "echo"}})), "");
  ManifestEntry entry = entry_of("run", "echo");
  entry.mode = FileMode::executable;
  Release next = release_of({});
  next.manifest = *Manifest::from_entries({entry});
  const auto lacking = installation->lacking(next.manifest);
  ASSERT_EQ(problem(lacking), "");
  EXPECT_TRUE(lacking->empty()) << "the bytes are live";
  ASSERT_EQ(problem(installation->activate(next, FirstInstall::refuse)), "");
  EXPECT_EQ(tree_at(target()), (Tree{{"run", "echo[x]"}}));
}

TEST_F(InstallationTest, TypesChangeIntoEachOther) {
  const std::vector<Tree> stages = {
      {{"x", "file"}, {"keep", "k"}},
      {{"x/inside/deep", "1"}, {"x/other", "2"}, {"keep", "k"}},
      {{"x", "->keep"}, {"keep", "k"}},
      {{"x/inside", "3"}, {"keep", "k"}},
      {{"x", "#!file again"}, {"keep", "k"}},
      {{"keep/now/directory", "k"}},
      {},
      {{"x", "->y"}, {"y", "t"}},
  };
  auto installation = open();
  for (const Tree& from : stages) {
    for (const Tree& to : stages) {
      ASSERT_EQ(problem(deploy(*installation, from)), "");
      ASSERT_EQ(tree_at(target()), from);
      const auto report = deploy(*installation, to);
      ASSERT_EQ(problem(report), "");
      ASSERT_EQ(tree_at(target()), to);
      EXPECT_TRUE(report->saved.empty());
      const auto proof = installation->prove();
      ASSERT_EQ(problem(proof), "");
      EXPECT_TRUE(proof->drift.empty());
    }
  }
}

TEST_F(InstallationTest, LocalEditsAreSavedAndReplaced) {
  auto installation = open();
  ASSERT_EQ(problem(deploy(*installation, kOne)), "");
  put_file(at("lib/a.js"), "edited by hand");
  put_file(at("index.html"), "edited, and not in the update");
  std::filesystem::remove(at("lib/deep/b.js"));
  std::filesystem::remove(at("current"));
  put_file(at("current"), "a file now");
  put_file(at("bin/run"), "edited before its removal");
  Tree two = kOne;
  two["lib/a.js"] = "a2";
  two.erase("bin/run");
  EXPECT_EQ(fetch(*installation, two), 4U) << "the update, and what repairs the drift";
  const auto report = deploy(*installation, two);
  ASSERT_EQ(problem(report), "");
  EXPECT_EQ(tree_at(target()), two);
  Tree saved;
  for (const SavedFile& file : report->saved) saved[file.path] = content_at(file.saved_as);
  EXPECT_EQ(saved, (Tree{{"lib/a.js", "edited by hand"},
                         {"index.html", "edited, and not in the update"},
                         {"current", "a file now"},
                         {"bin/run", "edited before its removal"}}));
}

TEST_F(InstallationTest, ForeignFilesInTheWayAreSaved) {
  auto installation = open();
  ASSERT_EQ(problem(deploy(*installation, kOne)), "");
  put_file(at("added"), "was here");
  put_file(at("same"), "equal");
  put_file(at("parent"), "a file where a directory must be");
  std::filesystem::create_directories(at("hollow/more"));
  Tree two = kOne;
  two["added"] = "deployed";
  two["same"] = "equal";
  two["parent/child"] = "c";
  two["hollow"] = "file instead of empty directories";
  const auto report = deploy(*installation, two);
  ASSERT_EQ(problem(report), "");
  EXPECT_EQ(tree_at(target()), two);
  Tree saved;
  for (const SavedFile& file : report->saved) saved[file.path] = content_at(file.saved_as);
  EXPECT_EQ(saved, (Tree{{"added", "was here"}, {"parent", "a file where a directory must be"}}));
}

TEST_F(InstallationTest, RemovedDirectoryKeepsOthersFiles) {
  auto installation = open();
  ASSERT_EQ(problem(deploy(*installation, {{"d/e/ours", "o"}, {"d/x/ours", "p"}, {"k", "k"}})), "");
  put_file(at("d/e/theirs"), "t");
  std::filesystem::create_directory(at("d/theirs-empty"));
  ASSERT_EQ(problem(deploy(*installation, {{"k", "k"}})), "");
  EXPECT_EQ(tree_at(target()), (Tree{{"d/e/theirs", "t"}, {"k", "k"}}));
  EXPECT_FALSE(std::filesystem::exists(at("d/x")));
  EXPECT_TRUE(std::filesystem::exists(at("d/theirs-empty")));
}

TEST_F(InstallationTest, ADirectoryWhereOurFileWasIsNotOurs) {
  auto installation = open();
  ASSERT_EQ(problem(deploy(*installation, {{"x", "x"}, {"y", "y"}, {"k", "k"}})), "");
  std::filesystem::remove(at("x"));
  put_file(at("x/theirs"), "t");
  ASSERT_EQ(problem(deploy(*installation, {{"y", "y"}, {"k", "k2"}})), "") << "x leaves";
  EXPECT_EQ(tree_at(target()), (Tree{{"x/theirs", "t"}, {"y", "y"}, {"k", "k2"}}));
  std::filesystem::remove(at("y"));
  put_file(at("y/theirs"), "t");
  const auto refused = deploy(*installation, {{"y", "y"}, {"k", "k3"}});
  ASSERT_FALSE(refused.ok()) << "y stays a file, and would replace the directory";
  EXPECT_EQ(refused.error().reason, "directory_in_the_way");
}

TEST_F(InstallationTest, FirstInstallOntoATargetWithFiles) {
  put_file(at("index.html"), "by hand");
  put_file(at("lib/a.js"), "a");  // as the release has it
  put_file(at("data/rows"), "r");
  auto installation = open();
  fetch(*installation, kOne);
  const Status refused = installation->verify_staged(manifest_of(kOne), FirstInstall::refuse);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "target_not_empty");
  EXPECT_NE(refused.error().message.find("3 files"), std::string::npos) << refused.error().message;
  EXPECT_NE(refused.error().message.find("data/rows"), std::string::npos);
  EXPECT_FALSE(installation->activate(release_of(kOne), FirstInstall::refuse).ok());
  EXPECT_EQ(tree_at(target()).size(), 3U);

  const auto report = installation->activate(release_of(kOne), FirstInstall::overlay);
  ASSERT_EQ(problem(report), "");
  ASSERT_EQ(report->saved.size(), 1U);
  EXPECT_EQ(report->saved[0].path, "index.html");
  EXPECT_EQ(content_at(report->saved[0].saved_as), "by hand");
  Tree expected = kOne;
  expected["data/rows"] = "r";
  EXPECT_EQ(tree_at(target()), expected);
}

TEST_F(InstallationTest, TwoRolesShareATarget) {
  InstallationOptions backend = options("backend");
  backend.owned = {"backend", "src"};
  InstallationOptions slm = options("slm-server");
  slm.owned = {"slm-server"};
  const Tree mine = {{"backend/app.py", "1"}, {"src/x.py", "1"}};
  const Tree theirs = {{"slm-server/main.py", "1"}};
  ASSERT_EQ(problem(deploy(*open(backend), mine)), "");
  ASSERT_EQ(problem(deploy(*open(slm), theirs)), "") << "not its territory, so not in its way";
  ASSERT_EQ(problem(deploy(*open(backend), {{"backend/app.py", "2"}})), "");
  EXPECT_EQ(tree_at(target()), (Tree{{"backend/app.py", "2"}, {"slm-server/main.py", "1"}}));
  ASSERT_EQ(problem(open(backend)->remove()), "");
  EXPECT_EQ(tree_at(target()), theirs);
  EXPECT_EQ(roles_with_state(real_file_system(), root()), std::vector<std::string>{"slm-server"});

  InstallationOptions again = options("again");
  again.owned = {"slm-server"};
  const Status refused =
      open(again)->verify_staged(manifest_of({{"slm-server/x", "1"}}), FirstInstall::refuse);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "target_not_empty");
}

TEST_F(InstallationTest, RemoveKeepsEdits) {
  auto installation = open();
  ASSERT_EQ(problem(deploy(*installation, kOne)), "");
  put_file(at("lib/a.js"), "edited");
  put_file(at(".env"), "secret");
  const auto report = installation->remove();
  ASSERT_EQ(problem(report), "");
  EXPECT_EQ(report->removed, kOne.size() - 1);
  EXPECT_EQ(tree_at(target()), (Tree{{".env", "secret"}, {"lib/a.js", "edited"}}));
  EXPECT_FALSE(std::filesystem::exists(at("bin")));
  EXPECT_EQ(installation->current(), nullptr);
  EXPECT_TRUE(installation->kept().empty());
  EXPECT_EQ(tree_at(state() + "/kept"), Tree());
  installation.reset();
  EXPECT_EQ(open()->current(), nullptr) << "the next process agrees";
}

TEST_F(InstallationTest, RemoveTakesTheTargetWhenNothingIsLeft) {
  auto installation = open();
  ASSERT_EQ(problem(deploy(*installation, kOne)), "");
  ASSERT_EQ(problem(installation->remove()), "");
  EXPECT_FALSE(std::filesystem::exists(target()));
  ASSERT_EQ(problem(deploy(*installation, kOne)), "") << "and it can be installed again";
  EXPECT_EQ(tree_at(target()), kOne);
}

TEST_F(InstallationTest, AReleaseWithoutFiles) {
  auto installation = open();
  ASSERT_EQ(problem(deploy(*installation, {}, FirstInstall::refuse, "c1")), "");
  ASSERT_NE(installation->current(), nullptr);
  EXPECT_EQ(installation->current()->commit, "c1");
  ASSERT_EQ(problem(deploy(*installation, {}, FirstInstall::refuse, "c2")), "");
  EXPECT_EQ(installation->current()->commit, "c2");
}

TEST_F(InstallationTest, LackingTakesWhatTheNodeHas) {
  auto installation = open();
  const std::string big(5000, 'x');
  ASSERT_EQ(problem(deploy(*installation, {{"a", big}, {"b", "b"}})), "");
  ASSERT_EQ(problem(deploy(*installation, {{"a", big}})), "");
  EXPECT_EQ(fetch(*installation, {{"a", big}, {"moved", big}, {"twice", big}, {"b", "b"}}), 0U)
      << "live under another path, or kept";
  EXPECT_EQ(fetch(*installation, {{"a", big}, {"new", "n"}}), 1U);
  EXPECT_EQ(fetch(*installation, {{"a", big}, {"new", "n"}}), 0U) << "staged before";
  ASSERT_EQ(problem(installation->discard_staged()), "");
  EXPECT_EQ(fetch(*installation, {{"a", big}, {"new", "n"}}), 1U);
}

TEST_F(InstallationTest, DeltaBasisIsAPrivateCopy) {
  auto installation = open();
  const std::string old(100'000, 'o');
  const std::string next(100'001, 'n');
  ASSERT_EQ(problem(deploy(*installation, {{"big", old}, {"small", "s"}})), "");
  const auto lacking = installation->lacking(manifest_of({{"big", next}, {"small", "t"}}));
  ASSERT_EQ(problem(lacking), "");
  const auto basis = installation->delta_basis(*lacking);
  ASSERT_EQ(problem(basis), "");
  EXPECT_EQ(tree_at(basis->string()), (Tree{{git_blob_id(next), old}}));
  put_file(*basis / git_blob_id(next), "overwritten");
  EXPECT_EQ(content_at(at("big")), old);
  const auto none = installation->delta_basis({entry_of("small", "t")});
  ASSERT_EQ(problem(none), "");
  EXPECT_TRUE(none->empty());
}

TEST_F(InstallationTest, KeepsNothingOfATransferThatIsOver) {
  auto installation = open();
  const Tree next = {{"big", std::string(100'001, 'n')}};
  ASSERT_EQ(problem(deploy(*installation, {{"big", std::string(100'000, 'o')}})), "");
  const auto lacking = installation->lacking(manifest_of(next));
  ASSERT_EQ(problem(lacking), "");
  const auto basis = installation->delta_basis(*lacking);
  ASSERT_EQ(problem(basis), "");
  ASSERT_TRUE(std::filesystem::exists(*basis));
  EXPECT_EQ(fetch(*installation, next), 1U);
  ASSERT_EQ(problem(installation->verify_staged(manifest_of(next), FirstInstall::refuse)), "");
  EXPECT_FALSE(std::filesystem::exists(*basis));
  // A switch that the disk refused leaves records, which go with what was staged.
  const std::string state = basis->parent_path();
  put_file(state + "/marker.next", "half");
  put_file(state + "/journal.tmp", "half");
  ASSERT_EQ(problem(installation->discard_staged()), "");
  EXPECT_FALSE(std::filesystem::exists(state + "/marker.next"));
  EXPECT_FALSE(std::filesystem::exists(state + "/journal.tmp"));
  EXPECT_TRUE(std::filesystem::is_empty(state + "/staging"));
}

TEST_F(InstallationTest, FilesBelongToTheOwnerOfTheTarget) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to give files away";
  std::filesystem::create_directories(target());
  ASSERT_EQ(::chown(target().c_str(), 12345, 23456), 0);
  auto installation = open();
  ASSERT_EQ(problem(deploy(*installation, {{"d/e/f", "1"}, {"l", "->d"}})), "");
  for (const std::string path : {"d", "d/e", "d/e/f", "l"}) {
    struct stat seen {};
    ASSERT_EQ(::lstat(at(path).c_str(), &seen), 0);
    EXPECT_EQ(seen.st_uid, 12345U) << path;
    EXPECT_EQ(seen.st_gid, 23456U) << path;
  }
}

}  // namespace
}  // namespace rolesync
