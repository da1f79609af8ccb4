// SPDX-License-Identifier: Apache-2.0
// A thousand children from sixteen threads, counted: complete output, no descriptor, zombie or
// process left behind. This is the measure by which posix_spawn was chosen (docs/decisions/0001).
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "host/process/child.hpp"

namespace rolesync {
namespace {

int open_descriptors() {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

// Processes, dead or alive, whose parent we are.
int children_of_ours() {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name[0] < '0' || name[0] > '9') continue;
    std::ifstream stat(entry.path() / "stat");
    std::string text((std::istreambuf_iterator<char>(stat)), {});
    const std::size_t end = text.rfind(')');
    int parent = 0;
    char state = 0;
    if (end != std::string::npos &&
        std::sscanf(text.c_str() + end + 1, " %c %d", &state, &parent) == 2 &&
        parent == ::getpid()) {
      ++count;
    }
  }
  return count;
}

TEST(ThousandChildren, LeaveNothingBehindAndLoseNothing) {
  const int descriptors = open_descriptors();
  const int children = children_of_ours();
  std::atomic<int> next{0}, wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 16; ++t) {
    threads.emplace_back([&] {
      for (int n = next++; n < 1000; n = next++) {
        ChildSpec spec;
        spec.argv = {
            "/bin/sh", "-c",
            "echo out" + std::to_string(n) + "; echo err >&2; exit " + std::to_string(n % 7)};
        auto result = run_child(spec);
        if (!result || result->exit_code != n % 7 || result->errors != "err\n" ||
            result->output != "out" + std::to_string(n) + "\n") {
          ++wrong;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(open_descriptors(), descriptors);
  EXPECT_EQ(children_of_ours(), children);
}

// A pipe end inherited by a sibling would make the short children wait for the long ones.
TEST(ThousandChildren, DoNotHoldEachOthersPipes) {
  std::atomic<bool> stop{false};
  CancelFlag end_sleepers{false};
  std::atomic<int> sleepers{0};
  std::vector<std::thread> background;
  for (int t = 0; t < 4; ++t) {
    background.emplace_back([&] {
      ChildSpec spec;
      spec.argv = {"/bin/sleep", "1000"};
      spec.time_limit = std::chrono::hours(1);
      spec.cancelled = &end_sleepers;
      ++sleepers;
      (void)run_child(spec);
    });
  }
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int n = 0; n < 40; ++n) {
        ChildSpec spec;
        spec.argv = {"/bin/echo", "hi"};
        auto result = run_child(spec);
        // A held pipe shows as output that does not end: run_child would give up on it.
        if (result && result->output == "hi\n") ++done;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(done, 320);  // all came back while the sleepers still slept
  end_sleepers = true;
  for (auto& thread : background) thread.join();
}

TEST(ThousandChildren, ThreeMegabytesOnBothStreams) {
  ChildSpec spec;
  spec.argv = {
      "/bin/sh", "-c",
      "head -c 3000000 /dev/zero | tr '\\0' a; head -c 3000000 /dev/zero | tr '\\0' b >&2"};
  spec.output_cap = 16 << 20;
  auto result = run_child(spec);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->output, std::string(3'000'000, 'a'));
  EXPECT_EQ(result->errors, std::string(3'000'000, 'b'));
}

}  // namespace
}  // namespace rolesync
