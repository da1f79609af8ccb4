// SPDX-License-Identifier: Apache-2.0
// What a child gets, gives back, and how it ends. Real programs.
#include "host/process/child.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace rolesync {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

ChildSpec shell(const std::string& script) {
  ChildSpec spec;
  spec.argv = {"sh", "-c", script};
  spec.environment = {{"PATH", "/usr/bin:/bin"}};
  spec.time_limit = seconds(30);
  return spec;
}

bool alive(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  const std::size_t name_end = text.rfind(')');
  return name_end != std::string::npos && text.size() > name_end + 2 && text[name_end + 2] != 'Z';
}

bool ends_within(pid_t pid, seconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (alive(pid)) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return true;
}

TEST(RunChild, GivesExitCodeAndBothStreams) {
  auto result = run_child(shell("echo out; echo err >&2; exit 3"));
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->exit_code, 3);
  EXPECT_EQ(result->output, "out\n");
  EXPECT_EQ(result->errors, "err\n");
  EXPECT_FALSE(result->succeeded());
  EXPECT_EQ(result->explain(), "exit 3: err");
}

TEST(RunChild, PassesArgumentsUntouched) {
  ChildSpec spec;
  spec.argv = {"printf", "%s|", "a b", "$(id)", "", "-n", "\"quoted\"\n"};
  auto result = run_child(spec);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->output, "a b|$(id)||-n|\"quoted\"\n|");
}

TEST(RunChild, HasOnlyTheGivenEnvironmentAndDirectory) {
  ::setenv("ROLESYNC_LEAK", "secret", 1);
  ChildSpec spec = shell("env; pwd");
  spec.environment["ROLE"] = "frontend";
  spec.directory = "/usr/share";
  auto result = run_child(spec);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->output.find("ROLESYNC_LEAK"), std::string::npos);
  EXPECT_NE(result->output.find("ROLE=frontend\n"), std::string::npos);
  EXPECT_NE(result->output.find("\n/usr/share\n"), std::string::npos);
}

TEST(RunChild, InheritsNoDescriptors) {
  const int leak = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC, on purpose
  ASSERT_GE(leak, 3);
  auto result = run_child(shell("ls /proc/self/fd"));
  ::close(leak);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->output, "0\n1\n2\n3\n");  // 3 is the directory that ls reads
}

TEST(RunChild, FeedsInputAndSurvivesAChildThatDoesNotReadIt) {
  ChildSpec cat = shell("cat");
  cat.input = std::string(1 << 20, 'x');
  cat.output_cap = 4 << 20;
  auto echoed = run_child(cat);
  ASSERT_TRUE(echoed.ok());
  EXPECT_EQ(echoed->output, cat.input);

  ChildSpec deaf = shell("exec 0<&-; echo done");
  deaf.input = std::string(1 << 20, 'x');
  auto result = run_child(deaf);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->output, "done\n");
}

TEST(RunChild, KeepsHeadAndTailOfTooMuchOutput) {
  ChildSpec spec = shell("echo first; head -c 3000000 /dev/zero | tr '\\0' a; echo last");
  spec.output_cap = 1000;
  auto result = run_child(spec);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->output.rfind("first\n", 0), 0u);
  EXPECT_EQ(result->output.substr(result->output.size() - 5), "last\n");
  EXPECT_NE(result->output.find("[... 2999011 bytes left out ...]"), std::string::npos)
      << result->output.substr(490, 80);
  EXPECT_LT(result->output.size(), 1100u);
}

TEST(RunChild, TimesOutAndEndsTheWholeGroup) {
  ChildSpec spec = shell("trap '' TERM; sleep 1000 & echo $!; wait; sleep 1000");
  spec.time_limit = milliseconds(300);
  spec.term_grace = milliseconds(200);
  auto result = run_child(spec);
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->timed_out);
  EXPECT_FALSE(result->succeeded());
  const pid_t grandchild = std::atoi(result->output.c_str());
  ASSERT_GT(grandchild, 1);
  EXPECT_TRUE(ends_within(grandchild, seconds(10)));
}

TEST(RunChild, EndsBackgroundProcessesOfAChildThatExited) {
  auto result = run_child(shell("sleep 1000 & echo $!"));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->exit_code, 0);
  const pid_t grandchild = std::atoi(result->output.c_str());
  ASSERT_GT(grandchild, 1);
  EXPECT_TRUE(ends_within(grandchild, seconds(10)));
}

TEST(RunChild, IsCancelled) {
  CancelFlag cancel{false};
  ChildSpec spec = shell("sleep 1000");
  spec.cancelled = &cancel;
  std::thread setter([&] { cancel = true; });
  auto result = run_child(spec);
  setter.join();
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->was_cancelled);
  EXPECT_FALSE(result->timed_out);
}

TEST(RunChild, ReportsDeathBySignal) {
  auto result = run_child(shell("kill -9 $$"));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->signal, 9);
  EXPECT_EQ(result->exit_code, -1);
  EXPECT_EQ(result->explain(), "killed by signal 9");
}

TEST(RunChild, RefusesWhatCannotStart) {
  struct Case {
    const char* what;
    ChildSpec spec;
    const char* message;
    const char* reason = "spawn_failed";
  };
  std::vector<Case> cases(6);
  cases[0] = {"missing program", {}, "not found in PATH=", "program_missing"};
  cases[0].spec.argv = {"no-such-program-here"};
  cases[1] = {"missing path", {}, "there is no /nonexistent/program", "program_missing"};
  cases[1].spec.argv = {"/nonexistent/program"};
  cases[2] = {"empty", {}, "empty"};
  cases[3] = {"directory", {}, "does not exist"};
  cases[3].spec.argv = {"true"};
  cases[3].spec.directory = "/nonexistent";
  cases[4] = {"NUL", {}, "malformed"};
  cases[4].spec.argv = {"true", std::string("a\0b", 3)};
  cases[5] = {"no program", {}, "is not an executable file", "program_not_executable"};
  cases[5].spec.argv = {"/etc/passwd"};
  for (const Case& each : cases) {
    auto result = run_child(each.spec);
    ASSERT_FALSE(result.ok()) << each.what;
    EXPECT_EQ(result.error().reason, each.reason);
    EXPECT_NE(result.error().message.find(each.message), std::string::npos)
        << result.error().message;
  }
}

TEST(RunChild, SpeaksOverGivenDescriptors) {
  int stdio[2], connection[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stdio), 0);
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, connection), 0);
  ASSERT_EQ(::write(stdio[0], "hello\n", 6), 6);
  ChildSpec spec = shell("read line; echo got $line; echo side >&3; echo err >&2");
  spec.stdio_fd = stdio[1];
  spec.connection_fd = connection[1];
  auto result = run_child(spec);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->exit_code, 0) << result->errors;
  EXPECT_EQ(result->errors, "err\n");
  char buffer[64];
  EXPECT_EQ(std::string(buffer, static_cast<std::size_t>(::read(stdio[0], buffer, 64))),
            "got hello\n");
  EXPECT_EQ(std::string(buffer, static_cast<std::size_t>(::read(connection[0], buffer, 64))),
            "side\n");
  for (int fd : {stdio[0], stdio[1], connection[0], connection[1]}) ::close(fd);
}

TEST(RunChild, RunsAsAnotherUserWhenRootAsks) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  ChildSpec spec = shell("id -u; id -g; id -G");
  spec.uid = 65534;
  spec.gid = 65534;
  auto result = run_child(spec);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->output, "65534\n65534\n65534\n") << result->errors;
  ChildSpec unknown = shell("id -u; id -G");
  unknown.uid = 54321;  // no passwd entry
  result = run_child(unknown);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->output, "54321\n54321\n") << result->errors;
}

TEST(Child, TalksAndEndsWithItsOwner) {
  pid_t pid = -1;
  {
    auto child = Child::start(shell("while read line; do echo \"<$line>\"; done; sleep 1000"));
    ASSERT_TRUE(child.ok());
    pid = child->pid();
    ASSERT_EQ(::write(child->input_fd(), "a\n", 2), 2);
    pollfd readable{child->output_fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&readable, 1, 20'000), 1);
    char buffer[16];
    const ssize_t size = ::read(child->output_fd(), buffer, sizeof buffer);
    EXPECT_EQ(std::string(buffer, static_cast<std::size_t>(std::max<ssize_t>(size, 0))), "<a>\n");
    EXPECT_FALSE(child->poll_exit());
  }
  EXPECT_FALSE(alive(pid));
}

TEST(Child, TellsItsExit) {
  auto child = Child::start(shell("exit 4"));
  ASSERT_TRUE(child.ok());
  pollfd ended{child->exit_fd(), POLLIN, 0};
  ASSERT_EQ(::poll(&ended, 1, 20'000), 1);
  auto result = child->poll_exit();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->exit_code, 4);
  EXPECT_EQ(child->pid(), -1);
}

TEST(StartDetached, HasItsOwnSessionAndAppendsToItsLog) {
  std::string directory = "/tmp/rolesync-child-XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  const std::string log = directory + "/log";
  { std::ofstream(log) << "before\n"; }
  auto pid = start_detached(shell("echo started; exec sleep 1000"), log);
  ASSERT_TRUE(pid.ok()) << pid.error().message;
  EXPECT_EQ(::getsid(*pid), *pid);
  const auto until = std::chrono::steady_clock::now() + seconds(20);
  std::string text;
  while (text != "before\nstarted\n" && std::chrono::steady_clock::now() < until) {
    std::ifstream in(log);
    text.assign((std::istreambuf_iterator<char>(in)), {});
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_EQ(text, "before\nstarted\n");
  ::kill(*pid, SIGKILL);
  // Reaped by us, not only dead: its directory in /proc goes away.
  while (::kill(*pid, 0) == 0 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_NE(::kill(*pid, 0), 0);
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace rolesync
