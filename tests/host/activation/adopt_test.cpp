// SPDX-License-Identifier: Apache-2.0
// A tree that is there already becomes a release without a file being touched; and every way to
// damage our own record is noticed and can be mended by adopting what is there.
#include <chrono>
#include <fstream>

#include "host/activation/state_directory.hpp"
#include "host/activation/survey.hpp"
#include "tests/host/activation/recording_file_system.hpp"
#include "tests/host/activation/tree_fixture.hpp"

namespace rolesync {
namespace {

namespace stdfs = std::filesystem;
using Drifts = std::map<std::string, DriftKind>;

const Tree kBase = {{"a", "one"}, {"bin/run", "#!x"}, {"gone", "soon"}, {"l", "->a"}};
const Tree kNext = {{"a", "two"}, {"bin/run", "#!x"}, {"l", "->a"}, {"new", "n"}};

Drifts drift_of(Installation& installation) {
  Drifts drifts;
  const auto proof = installation.prove(true);
  EXPECT_EQ(problem(proof), "");
  if (!proof) return drifts;
  for (const Drift& item : proof->drift) drifts[item.path] = item.kind;
  return drifts;
}

class FailingFileSystem : public RecordingFileSystem {
 public:
  int fail_at = 0, seen = 0;  // of the changes after it was set

 protected:
  Status before(const Recorded& change) override {
    if (fail_at == 0 || ++seen != fail_at) return {};
    return Error{ErrorKind::unavailable, "enospc", "no space for " + change.a};
  }
};

class AdoptTest : public TreeTest {
 protected:
  void put(const Tree& tree) {
    for (const auto& [path, content] : tree) put_file(at(path), content);
  }
};

TEST_F(AdoptTest, WhatIsThereBecomesTheReleaseAndNoFileIsTouched) {
  put(kBase);
  put({{"a", "edited"}, {".env", "secret"}});
  stdfs::remove(at("bin/run"));
  const Tree before = tree_at(target());
  {
    auto installation = open();
    ASSERT_EQ(problem(installation->adopt(release_of(kBase, "base"))), "");
    EXPECT_EQ(installation->current()->commit, "base");
    EXPECT_EQ(drift_of(*installation),
              (Drifts{{"a", DriftKind::changed}, {"bin/run", DriftKind::removed}}));
  }
  EXPECT_EQ(tree_at(target()), before);
  auto installation = open();  // it is durable, not only remembered
  EXPECT_EQ(installation->current()->commit, "base");
  EXPECT_EQ(problem(installation->intact()), "");
  const auto report = deploy(*installation, kNext, FirstInstall::refuse, "next");
  ASSERT_EQ(problem(report), "");
  Tree expected = kNext;
  expected[".env"] = "secret";
  EXPECT_EQ(tree_at(target()), expected) << "what the base has and the next has not is gone";
  ASSERT_EQ(report->saved.size(), 1U);
  EXPECT_EQ(content_at(report->saved[0].saved_as), "edited");
  ASSERT_EQ(problem(installation->roll_back()), "");
  EXPECT_EQ(installation->current()->commit, "base");
  EXPECT_EQ(content_at(at("gone")), "soon");
}

TEST_F(AdoptTest, TheSameAgainHasNoEffectAndAnotherIsRefused) {
  put(kBase);
  auto installation = open();
  ASSERT_EQ(problem(installation->adopt(release_of(kBase, "base"))), "");
  EXPECT_EQ(problem(installation->adopt(release_of(kBase, "base"))), "");
  EXPECT_EQ(installation->adopt(release_of(kNext, "next")).error().reason, "already_installed");
  EXPECT_EQ(installation->current()->commit, "base");
}

TEST_F(AdoptTest, WithoutATargetThereIsNothingToAdopt) {
  auto installation = open();
  EXPECT_EQ(installation->adopt(release_of(kBase)).error().reason, "nothing_there");
  stdfs::create_directories(root() + "/real/app");
  stdfs::create_directory_symlink(root() + "/real", root() + "/srv");
  EXPECT_EQ(installation->adopt(release_of(kBase)).error().reason, "symlink_in_path");
  EXPECT_EQ(installation->current(), nullptr);
}

TEST_F(AdoptTest, ItIsKnownSinceWhenTheFilesAreThere) {
  put(kBase);
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  auto installation = open();
  ASSERT_EQ(problem(installation->adopt(release_of(kBase))), "");
  EXPECT_LE(installation->current()->activated_at, now + 20);
  EXPECT_GT(installation->current()->activated_at, now - 60'000);
}

// Every file operation of an adoption fails once; afterwards it is there whole, or not at all.
TEST_F(AdoptTest, AnAdoptionThatBreaksOffIsWholeOrNothing) {
  put(kBase);
  bool succeeded = false;
  for (int failing = 1; !succeeded; ++failing) {
    ASSERT_LT(failing, 100);
    stdfs::remove_all(root() + "/.rolesync");
    FailingFileSystem fs;
    {
      auto installation = Installation::open(fs, options());
      ASSERT_EQ(problem(installation), "");
      fs.fail_at = failing;
      succeeded = (*installation)->adopt(release_of(kBase, "base")).ok();
    }
    auto again = open();
    if (succeeded) EXPECT_EQ(again->current()->commit, "base");
    ASSERT_EQ(problem(again->adopt(release_of(kBase, "base"))), "");
    EXPECT_EQ(drift_of(*again), Drifts());
    EXPECT_EQ(tree_at(target()), kBase);
  }
}

TEST_F(AdoptTest, ASurveySeesWhatWasAskedForAndCountsTheRest) {
  put(kBase);
  put({{"data/x", "1"}, {"data/y", "2"}, {"dir-now/x", "3"}});
  stdfs::create_directory_symlink("/etc", at("linked"));
  const std::vector<std::string> paths = {"a", "bin/run", "dir-now", "l", "linked/passwd", "never"};
  const auto seen = survey(real_file_system(), options(), paths, [] { return true; });
  ASSERT_EQ(problem(seen), "");
  std::vector<std::string> found;
  for (const ManifestEntry& entry : seen->found) {
    found.push_back(entry.path);
    EXPECT_EQ(entry, entry_of(entry.path, kBase.at(entry.path)));
  }
  EXPECT_EQ(found, (std::vector<std::string>{"a", "bin/run", "l"}));
  ASSERT_EQ(seen->odd.size(), 2U);
  EXPECT_EQ(seen->odd[0].reason, "not_a_file");
  EXPECT_EQ(seen->odd[1].reason, "symlink_in_path") << "never followed";
  EXPECT_EQ(seen->others, 5U) << "gone, data/x, data/y, dir-now/x, linked";
  InstallationOptions narrow = options();
  narrow.owned = {"bin"};
  EXPECT_EQ(survey(real_file_system(), narrow, paths, [] { return true; })->others, 0U);
  EXPECT_EQ(survey(real_file_system(), options(), paths, [] { return false; }).error().reason,
            "cancelled");
  stdfs::remove_all(target());
  EXPECT_EQ(survey(real_file_system(), options(), paths, [] { return true; }).error().reason,
            "nothing_there");
}

// -- damage ---------------------------------------------------------------------------------------

enum class How { truncated, garbage, deleted, newer };
enum class Then {
  refused,   // opening says state_damaged or state_newer, and a living object says so too
  missing,   // the record is gone; whoever remembers that there was one must say so
  rebuilt,   // a cache: nothing is lost but time
  unneeded,  // what is installed is known; only a way back is not
};
struct Damage {
  const char* file;
  How how;
  Then then;
};

std::ostream& operator<<(std::ostream& out, const Damage& damage) {
  static const char* const hows[] = {"truncated", "garbage", "deleted", "newer"};
  return out << damage.file << ' ' << hows[static_cast<int>(damage.how)];
}

void do_damage(const std::string& file, How how) {
  std::string text = content_at(file);
  if (how == How::deleted) {
    stdfs::remove_all(file);
    return;
  }
  if (how == How::truncated) text.resize(text.size() / 2);
  if (how == How::garbage) text = std::string("\0\xff garbage", 10);
  if (how == How::newer) text.replace(text.find(" 1\n"), 3, " 2\n");
  stdfs::remove(file);  // kept releases may share it
  std::ofstream(file, std::ios::binary) << text;
}

class DamageTest : public TreeTest, public ::testing::WithParamInterface<Damage> {};

TEST_P(DamageTest, IsNoticedNotGuessedAndMended) {
  const Damage& damage = GetParam();
  const std::string name = damage.file;
  const std::string file = state() + (name.empty() ? "" : "/" + name);
  {
    auto installation = open();
    ASSERT_EQ(problem(deploy(*installation, kBase, FirstInstall::refuse, "base")), "");
    const bool second = name == "releases/1";
    if (second) {
      ASSERT_EQ(problem(deploy(*installation, kNext, FirstInstall::refuse, "next")), "");
    }
    ASSERT_EQ(problem(installation->prove()), "");
    if (name == "journal") {
      std::ofstream(file) << "rolesync-journal 1\n{\"sequence\":2,\"keep\":1}\nsha256 x\n";
    }
    ASSERT_TRUE(stdfs::exists(file)) << file;
    do_damage(file, damage.how);
    // The living object notices what happened to its record, and nothing else.
    const bool record = name == "marker" || name.empty();
    EXPECT_EQ(installation->intact().ok(), !record);
  }
  const Tree before = tree_at(target());
  auto opened = Installation::open(real_file_system(), options());
  switch (damage.then) {
    case Then::refused:
      ASSERT_FALSE(opened.ok());
      EXPECT_EQ(opened.error().reason, damage.how == How::newer ? "state_newer" : "state_damaged");
      EXPECT_NE(opened.error().hint, "");
      break;
    case Then::missing:
      ASSERT_EQ(problem(opened), "");
      EXPECT_EQ((*opened)->current(), nullptr);
      EXPECT_FALSE((*opened)->has_record());
      // Nothing is put over the files that are there.
      EXPECT_EQ(deploy(**opened, kNext).error().reason, "target_not_empty");
      break;
    case Then::rebuilt:
      ASSERT_EQ(problem(opened), "");
      EXPECT_EQ((*opened)->current()->commit, "base");
      EXPECT_EQ(drift_of(**opened), Drifts());
      break;
    case Then::unneeded:
      ASSERT_EQ(problem(opened), "");
      EXPECT_EQ((*opened)->current()->commit, "next");
      EXPECT_EQ(drift_of(**opened), Drifts());
      EXPECT_FALSE((*opened)->roll_back().ok());
      EXPECT_EQ((*opened)->current()->commit, "next");
      break;
  }
  EXPECT_EQ(tree_at(target()), before);
  if (damage.then == Then::rebuilt || damage.then == Then::unneeded) return;

  // Mended: what is left is put aside, and the tree that is there is recorded anew.
  if (opened) opened->reset();
  const auto aside = Installation::set_aside(real_file_system(), options());
  ASSERT_EQ(problem(aside), "");
  EXPECT_FALSE(stdfs::exists(state()));
  if (damage.how == How::garbage) {
    EXPECT_TRUE(stdfs::exists(*aside + "/" + name)) << "it is kept";
  }
  auto anew = open();
  ASSERT_EQ(problem(anew->adopt(release_of(kBase, "base"))), "");
  EXPECT_EQ(drift_of(*anew), Drifts());
  EXPECT_EQ(problem(deploy(*anew, kNext, FirstInstall::refuse, "next")), "");
  EXPECT_EQ(tree_at(target()), kNext);
  EXPECT_EQ(roles_with_state(real_file_system(), root()), (std::vector<std::string>{"web"}));
}

INSTANTIATE_TEST_SUITE_P(EveryFile, DamageTest,
                         ::testing::Values(Damage{"marker", How::truncated, Then::refused},
                                           Damage{"marker", How::garbage, Then::refused},
                                           Damage{"marker", How::newer, Then::refused},
                                           Damage{"marker", How::deleted, Then::missing},
                                           Damage{"journal", How::truncated, Then::refused},
                                           Damage{"journal", How::garbage, Then::refused},
                                           Damage{"journal", How::newer, Then::refused},
                                           Damage{"journal", How::deleted, Then::rebuilt},
                                           Damage{"stats", How::truncated, Then::rebuilt},
                                           Damage{"stats", How::garbage, Then::rebuilt},
                                           Damage{"stats", How::newer, Then::rebuilt},
                                           Damage{"stats", How::deleted, Then::rebuilt},
                                           Damage{"releases/1", How::truncated, Then::unneeded},
                                           Damage{"releases/1", How::garbage, Then::unneeded},
                                           Damage{"releases/1", How::newer, Then::unneeded},
                                           Damage{"releases/1", How::deleted, Then::unneeded},
                                           Damage{"", How::deleted, Then::missing}));

TEST_F(AdoptTest, AMarkerThatIsGoneBesideKeptReleasesIsDamage) {
  {
    auto installation = open();
    ASSERT_EQ(problem(deploy(*installation, kBase)), "");
    ASSERT_EQ(problem(deploy(*installation, kNext)), "");
  }
  stdfs::remove(state() + "/marker");
  EXPECT_EQ(Installation::open(real_file_system(), options()).error().reason, "state_damaged");
}

TEST_F(AdoptTest, AStateInUseIsNotPutAside) {
  auto installation = open();
  EXPECT_EQ(Installation::set_aside(real_file_system(), options()).error().reason,
            "installation_busy");
  installation.reset();
  EXPECT_EQ(*Installation::set_aside(real_file_system(), options("other")), "");
  const std::string first = *Installation::set_aside(real_file_system(), options());
  open();
  EXPECT_NE(*Installation::set_aside(real_file_system(), options()), first);
}

}  // namespace
}  // namespace rolesync
