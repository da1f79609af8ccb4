// SPDX-License-Identifier: Apache-2.0
// A tree of 20,000 files that the kernel watches: a change is known without looking at the rest.
#include "host/agent/prover.hpp"

#include <condition_variable>
#include <mutex>

#include "tests/host/activation/tree_fixture.hpp"

namespace rolesync::agent {
namespace {

constexpr int kDirectories = 200, kFilesEach = 100;

class ProverTest : public TreeTest {
 protected:
  void SetUp() override {
    for (int d = 0; d < kDirectories; ++d) {
      const std::string directory = "d" + std::to_string(d);
      std::filesystem::create_directories(at(directory));
      for (int f = 0; f < kFilesEach; ++f) {
        const std::string path = directory + "/f" + std::to_string(f);
        tree_[path] = path;
        std::ofstream(at(path)) << path;
      }
    }
    role_.name = "web";
    role_.target_path = target();
    installation_ = open();
    ASSERT_EQ(problem(installation_->adopt(release_of(tree_))), "");
  }
  // What is known after somebody was heard to touch the tree.
  Proof heard() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(touched_.wait_for(lock, std::chrono::seconds(60), [&] { return touches_ > 0; }));
    touches_ = 0;
    lock.unlock();
    return proof(Prover::Depth::needed);
  }
  Proof proof(Prover::Depth depth) {
    const auto proof = prover_.prove(role_, *installation_, depth);
    EXPECT_EQ(problem(proof), "");
    return proof ? *proof : Proof();
  }

  Tree tree_;
  Role role_;
  std::unique_ptr<Installation> installation_;
  std::mutex mutex_;
  std::condition_variable touched_;
  int touches_ = 0;
  Prover prover_{[this](const std::string&) {
    const std::lock_guard lock(mutex_);
    ++touches_;
    touched_.notify_all();
  }};
};

TEST_F(ProverTest, AChangeInALargeTreeIsFoundWithoutLookingAtTheRest) {
  const Proof first = proof(Prover::Depth::full);
  EXPECT_EQ(first.hashed, tree_.size());
  EXPECT_TRUE(first.drift.empty());
  if (!prover_.watches("web")) GTEST_SKIP() << "the kernel's limit of watches is reached";
  EXPECT_EQ(proof(Prover::Depth::needed).files, 0U);

  std::ofstream(at("d7/f7")) << "edited";
  Proof seen = heard();
  ASSERT_EQ(seen.drift.size(), 1U);
  EXPECT_EQ(seen.drift[0].path, "d7/f7");
  EXPECT_LE(seen.files, 2U);

  // A directory of ours becomes a file, and a file of ours a directory.
  std::filesystem::remove_all(at("d8"));
  std::ofstream(at("d8")) << "a file now";
  std::filesystem::remove(at("d9/f9"));
  std::filesystem::create_directory(at("d9/f9"));
  std::map<std::string, DriftKind> kinds;
  for (int i = 0; i < 100 && kinds.size() < kFilesEach + 2; ++i) {
    kinds.clear();
    for (const Drift& drift : heard().drift) kinds[drift.path] = drift.kind;
  }
  EXPECT_EQ(kinds.size(), kFilesEach + 2U);
  EXPECT_EQ(kinds["d8/f1"], DriftKind::removed);
  EXPECT_EQ(kinds["d9/f9"], DriftKind::replaced);
}

}  // namespace
}  // namespace rolesync::agent
