// SPDX-License-Identifier: Apache-2.0
// Only touches of managed files are heard.
#include "host/agent/tree_watch.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

namespace rolesync::agent {
namespace {

class TreeWatchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = "/tmp/rolesync-watch-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    std::filesystem::create_directories(directory_ + "/src/deep");
    for (const char* path : {"index.html", "src/a.js", "src/deep/b.js", "app.log"}) {
      std::ofstream(directory_ + "/" + path) << "x";
    }
    std::vector<ManifestEntry> entries;
    for (const char* path : {"index.html", "src/a.js", "src/deep/b.js"}) {
      entries.push_back({FileMode::regular, std::string(40, 'a'), 1, path});
    }
    auto manifest = Manifest::from_entries(entries);
    ASSERT_TRUE(manifest.ok());
    watch_ = std::make_unique<TreeWatch>([this](const std::string& role) {
      std::lock_guard lock(mutex_);
      heard_.push_back(role);
      changed_.notify_all();
    });
    ASSERT_TRUE(watch_->watch("web", directory_, *manifest));
  }
  void TearDown() override {
    watch_.reset();
    std::filesystem::remove_all(directory_);
  }
  bool hears() {
    std::unique_lock lock(mutex_);
    const bool heard =
        changed_.wait_for(lock, std::chrono::seconds(20), [this] { return !heard_.empty(); });
    heard_.clear();
    return heard;
  }
  std::size_t heard_so_far() {
    std::lock_guard lock(mutex_);
    return heard_.size();
  }

  std::string directory_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> heard_;
  std::unique_ptr<TreeWatch> watch_;
};

TEST_F(TreeWatchTest, HearsWritesRenamesAndRemovals) {
  std::ofstream(directory_ + "/src/deep/b.js") << "changed";
  EXPECT_TRUE(hears());
  std::filesystem::rename(directory_ + "/index.html", directory_ + "/away.html");
  EXPECT_TRUE(hears());
  std::filesystem::remove(directory_ + "/src/a.js");
  EXPECT_TRUE(hears());
  std::filesystem::rename(directory_ + "/src", directory_ + "/moved");
  EXPECT_TRUE(hears());
}

TEST_F(TreeWatchTest, DoesNotHearUnmanagedFiles) {
  for (int n = 0; n < 20; ++n) {
    std::ofstream(directory_ + "/app.log", std::ios::app) << "line";
    std::ofstream(directory_ + "/src/new" + std::to_string(n)) << "x";
  }
  // Events come in order: once this one is heard, those above would have been.
  std::ofstream(directory_ + "/index.html") << "changed";
  EXPECT_TRUE(hears());
  EXPECT_EQ(heard_so_far(), 0u);
}

TEST_F(TreeWatchTest, ForgetsARole) {
  watch_->forget("web");
  auto other = Manifest::from_entries({{FileMode::regular, std::string(40, 'a'), 1, "app.log"}});
  ASSERT_TRUE(watch_->watch("logs", directory_, *other));
  std::ofstream(directory_ + "/index.html") << "changed";
  std::ofstream(directory_ + "/app.log") << "changed";
  std::unique_lock lock(mutex_);
  ASSERT_TRUE(
      changed_.wait_for(lock, std::chrono::seconds(20), [this] { return !heard_.empty(); }));
  EXPECT_EQ(heard_, std::vector<std::string>{"logs"});
}

}  // namespace
}  // namespace rolesync::agent
