// SPDX-License-Identifier: Apache-2.0
// Power loss at every point of an activation, with several ideas of what a disk forgets: after
// recovery the managed files are one complete release and no stranger's file is lost.
#include "tests/host/activation/crash_model.hpp"

#include "tests/host/activation/crash_story.hpp"

namespace rolesync {
namespace {

namespace stdfs = std::filesystem;

struct Loss {
  const char* name;
  CrashModel::Keep keep;
  bool bytes;
  bool by_directory = false;
};

// A coin that falls the same way in every run.
CrashModel::Keep coin(std::uint64_t seed) {
  return [seed](std::size_t i) {
    std::uint64_t x = (i + 1) * 0x9e3779b97f4a7c15ULL ^ seed * 0xbf58476d1ce4e5b9ULL;
    x ^= x >> 31;
    x *= 0x94d049bb133111ebULL;
    return ((x >> 33) & 1) != 0;
  };
}

const std::vector<Loss> kLosses = {
    {"nothing lost", [](std::size_t) { return true; }, true},
    {"unsynced bytes lost", [](std::size_t) { return true; }, false},
    {"all unsynced lost", [](std::size_t) { return false; }, false},
    {"unsynced names lost, bytes kept", [](std::size_t) { return false; }, true},
    {"coin 1", coin(1), false},
    {"coin 2", coin(2), false},
    {"coin 3", coin(3), false},
    {"coin 4", coin(4), true},
    {"every second", [](std::size_t i) { return i % 2 == 0; }, false},
    {"every other second", [](std::size_t i) { return i % 2 == 1; }, false},
    {"each directory as of its own sync", {}, false, true},
};

class CrashModelTest : public ::testing::TestWithParam<bool> {
 protected:
  // Runs one activation on a recording disk; false on failure.
  void record_activation() {
    root_ = directory_.path() + "/disk";
    stdfs::create_directory(root_);
    RecordingFileSystem fs;
    ASSERT_NO_FATAL_FAILURE(crash_story::prepare(fs, root_, GetParam()));
    auto installation = Installation::open(fs, crash_story::options(root_));
    ASSERT_EQ(problem(installation), "");
    fetch(**installation, crash_story::kNew);
    model_ = std::make_unique<CrashModel>(root_, root_ + "/.rolesync/web/staging");
    fs.log.clear();
    const auto report = crash_story::activate(**installation);
    ASSERT_EQ(problem(report), "");
    model_->record(fs.log);
    ASSERT_GE(model_->size(), 40U);
  }

  TemporaryDirectory directory_;
  std::string root_;
  std::unique_ptr<CrashModel> model_;
};

TEST_P(CrashModelTest, TheModelFollowsTheRealDisk) {
  ASSERT_NO_FATAL_FAILURE(record_activation());
  const std::string copy = directory_.path() + "/copy";
  model_->materialise(
      model_->size(), [](std::size_t) { return true; }, true, copy);
  EXPECT_EQ(tree_at(copy), tree_at(root_));
  // What a finished activation promises survives every loss.
  for (const Loss& loss : kLosses) {
    stdfs::remove_all(copy);
    if (loss.by_directory) {
      model_->materialise_by_directory(model_->size(), loss.bytes, copy);
    } else {
      model_->materialise(model_->size(), loss.keep, loss.bytes, copy);
    }
    EXPECT_EQ(crash_story::recover_and_check(copy, GetParam()), "") << loss.name;
    const auto installation = Installation::open(real_file_system(), crash_story::options(copy));
    ASSERT_EQ(problem(installation), "");
    ASSERT_NE((*installation)->current(), nullptr) << loss.name;
    EXPECT_EQ((*installation)->current()->commit, "new") << loss.name;
  }
}

TEST_P(CrashModelTest, RecoversFromLostPowerAtEveryPoint) {
  const bool fresh = GetParam();
  ASSERT_NO_FATAL_FAILURE(record_activation());
  const std::string copy = directory_.path() + "/copy";
  int points = 0;
  int violations = 0;
  std::map<std::string, int> ends;
  for (std::size_t count = 0; count <= model_->size(); ++count) {
    for (const Loss& loss : kLosses) {
      stdfs::remove_all(copy);
      if (loss.by_directory) {
        model_->materialise_by_directory(count, loss.bytes, copy);
      } else {
        model_->materialise(count, loss.keep, loss.bytes, copy);
      }
      std::string wrong = crash_story::recover_and_check(copy, fresh);
      if (wrong.empty() && ++points % 7 == 0) {
        wrong = crash_story::update_and_roll_back(copy, fresh);
      }
      if (wrong.empty()) continue;
      ++violations;
      const Recorded& last = model_->change(count == 0 ? 0 : count - 1);
      ADD_FAILURE() << loss.name << ", after " << count << " changes, the last of " << last.a << " "
                    << last.b << ": " << wrong;
      if (violations > 10) return;
    }
  }
  std::printf("%zu changes, %d disks, %d violations\n", model_->size(), points, violations);
}

INSTANTIATE_TEST_SUITE_P(Activation, CrashModelTest, ::testing::Values(false, true),
                         [](const auto& kind) { return kind.param ? "Fresh" : "Update"; });

}  // namespace
}  // namespace rolesync
