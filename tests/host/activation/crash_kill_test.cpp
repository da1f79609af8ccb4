// SPDX-License-Identifier: Apache-2.0
// kill -9 at every system call of an activation (strace's fault injection), then recovery in a new
// process: one complete release each time.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <chrono>
#include <sstream>

#include "tests/host/activation/crash_story.hpp"
#include "tests/place.hpp"

namespace rolesync {
namespace {

namespace stdfs = std::filesystem;

const std::string kSubject = build_directory() + "/tests/activation_crash_subject";

// The exit status as waitpid tells it; the child's output goes to `log`.
int run(std::vector<std::string> words, const std::string& log) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t child = 0;
  const int failed = ::posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed) return -1;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

// Calls that change something, of the whole run; the first is the lock that open() takes.
std::map<std::string, int> count_calls(const std::string& trace) {
  std::map<std::string, int> counts;
  std::istringstream lines(content_at(trace));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t begin = line.find_first_not_of("0123456789 ");
    const std::size_t end = line.find('(');
    if (end == std::string::npos || begin >= end) continue;
    ++counts[line.substr(begin, end - begin)];
  }
  return counts;
}

class CrashKillTest : public ::testing::TestWithParam<bool> {};

TEST_P(CrashKillTest, LeavesOneCompleteRelease) {
  const bool fresh = GetParam();
  TemporaryDirectory directory;
  const std::string prepared = directory.path() + "/prepared";
  const std::string log = directory.path() + "/log";
  stdfs::create_directory(prepared);
  ASSERT_NO_FATAL_FAILURE(crash_story::prepare(real_file_system(), prepared, fresh));
  {
    auto installation = Installation::open(real_file_system(), crash_story::options(prepared));
    ASSERT_EQ(problem(installation), "");
    fetch(**installation, crash_story::kNew);
  }
  int copies = 0;
  const auto copy = [&] {
    const std::string root = directory.path() + "/run" + std::to_string(copies++);
    stdfs::copy(prepared, root,
                stdfs::copy_options::recursive | stdfs::copy_options::copy_symlinks);
    return root;
  };

  const std::string whole = copy();
  const std::string trace = directory.path() + "/trace";
  ASSERT_EQ(run({"strace", "-f", "-qq", "-o", trace, kSubject, whole}, log), 0)
      << "is strace installed? " << content_at(log);
  ASSERT_EQ(crash_story::recover_and_check(whole, fresh), "");

  // Everything that changes the disk at every occurrence; what only looks, at some.
  const std::map<std::string, int> strides = {
      {"write", 1},       {"renameat2", 1},       {"unlinkat", 1}, {"mkdirat", 1}, {"fsync", 1},
      {"linkat", 1},      {"symlinkat", 1},       {"fchmod", 1},   {"ioctl", 1},   {"fchownat", 1},
      {"openat2", 17},    {"copy_file_range", 1}, {"close", 29},   {"read", 13},   {"openat", 11},
      {"newfstatat", 19}, {"readlinkat", 2}};
  int points = 0;
  int killed = 0;
  int violations = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (const auto& [call, count] : count_calls(trace)) {
    const auto stride = strides.find(call);
    if (stride == strides.end()) continue;
    for (int n = 1; n <= count; n += stride->second) {
      const std::string root = copy();
      const std::string point = call + ":signal=KILL:when=" + std::to_string(n);
      const int status = run({"strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call, "-e",
                              "inject=" + point, kSubject, root},
                             log);
      ++points;
      killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
      std::string wrong = crash_story::recover_and_check(root, fresh);
      if (wrong.empty() && points % 5 == 0) wrong = crash_story::update_and_roll_back(root, fresh);
      if (!wrong.empty()) {
        ++violations;
        ADD_FAILURE() << "killed at " << point << ": " << wrong;
      }
      stdfs::remove_all(root);
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("%d points, %d killed, %d violations, %.1f s\n", points, killed, violations,
              took.count());
  EXPECT_GE(killed, fresh ? 60 : 100);
  EXPECT_EQ(violations, 0);
}

// Sandboxes with an old system call filter answer ENOSYS or EPERM to openat2.
TEST(WithoutOpenat2, AnActivationWorksTheSame) {
  for (const std::string error : {"ENOSYS", "EPERM"}) {
    TemporaryDirectory directory;
    const std::string root = directory.path() + "/disk";
    stdfs::create_directory(root);
    ASSERT_NO_FATAL_FAILURE(crash_story::prepare(real_file_system(), root, false));
    {
      auto installation = Installation::open(real_file_system(), crash_story::options(root));
      ASSERT_EQ(problem(installation), "");
      fetch(**installation, crash_story::kNew);
    }
    const std::string log = directory.path() + "/log";
    EXPECT_EQ(run({"strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=openat2:error=" + error,
                   kSubject, root},
                  log),
              0)
        << content_at(log);
    EXPECT_EQ(crash_story::recover_and_check(root, false), "");
    EXPECT_EQ(content_at(root + "/srv/app/index.html"), "new index");
  }
}

INSTANTIATE_TEST_SUITE_P(Activation, CrashKillTest, ::testing::Values(false, true),
                         [](const auto& kind) { return kind.param ? "Fresh" : "Update"; });

}  // namespace
}  // namespace rolesync
