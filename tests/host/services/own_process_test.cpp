// SPDX-License-Identifier: Apache-2.0
#include "host/services/own_process.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

namespace rolesync {
namespace {

// Of this process, in bytes; `field` is one of /proc/self/smaps_rollup.
long memory(const std::string& field) {
  std::ifstream in("/proc/self/smaps_rollup");
  for (std::string word; in >> word;) {
    long kilobytes = 0;
    if (word == field + ":" && in >> kilobytes) return kilobytes * 1024;
  }
  return -1;
}

TEST(OwnProcess, FreeMemoryGoesBack) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer has a heap of its own";
#endif
  constexpr long used = 40 << 20;
  std::vector<std::string> blocks;
  for (long i = 0; i < used / 1000; ++i) blocks.emplace_back(1000, 'x');
  const std::string last(100, 'y');  // above all of them in the heap
  blocks = {};
  give_back_memory();
  const long after = memory("Private_Dirty");
  ASSERT_GE(after, 0);
  EXPECT_LT(after, used / 2);
}

TEST(OwnProcess, CodeThatWasDroppedRunsOn) {
  for (int i = 0; i < 3; ++i) {
    give_back_memory();
    EXPECT_EQ(std::to_string(i).size(), 1u);
  }
}

TEST(OwnProcess, AllFilesThatAreAllowedCanBeOpened) {
  rlimit files{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
  files.rlim_cur = 100;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &files), 0);
  open_many_files();
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
  EXPECT_EQ(files.rlim_cur, files.rlim_max);
}

}  // namespace
}  // namespace rolesync
