// SPDX-License-Identifier: Apache-2.0
// Whatever a command starts is found and ended, however it hides. Real programs; with a cgroup of
// version 2 where this machine lets us make one, and without.
#include "host/process/enclosure.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

namespace rolesync {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

bool alive(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  const std::size_t name_end = text.rfind(')');
  return name_end != std::string::npos && text.size() > name_end + 2 && text[name_end + 2] != 'Z';
}

// Whether this test may make cgroups: a probe that is removed again.
bool may_make_cgroups() {
  const std::string own = Enclosure::own_cgroup();
  if (own.empty()) return false;
  const std::string probe = own + "/rolesync-test-probe-" + std::to_string(::getpid());
  if (::mkdir(probe.c_str(), 0755) != 0) return false;
  return ::rmdir(probe.c_str()) == 0;
}

class EnclosureTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam() && !may_make_cgroups()) GTEST_SKIP() << "no cgroup of version 2 to be had here";
    std::string pattern = "/tmp/rolesync-enclosure-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    name_ = "test-" + std::to_string(::getpid()) + (GetParam() ? "-group" : "-mark");
  }
  void TearDown() override {
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }
  Enclosure enclosure() const {
    return Enclosure(name_, GetParam() ? Enclosure::own_cgroup() : std::string());
  }
  ChildSpec shell(const std::string& script) const {
    ChildSpec spec;
    spec.argv = {"sh", "-c", script};
    spec.environment = {{"PATH", "/usr/bin:/bin"}};
    spec.directory = directory_;
    spec.time_limit = seconds(60);
    return spec;
  }
  pid_t pid_in(const std::string& file) const {
    for (int i = 0; i < 3000; ++i) {
      std::ifstream in(directory_ + "/" + file);
      pid_t pid = 0;
      if (in >> pid && in.get() == '\n') return pid;
      std::this_thread::sleep_for(milliseconds(10));
    }
    return 0;
  }
  std::string directory_, name_;
};

INSTANTIATE_TEST_SUITE_P(, EnclosureTest, ::testing::Bool(),
                         [](const auto& test) { return test.param ? "WithACgroup" : "ByItsMark"; });

TEST_P(EnclosureTest, EndsADaemonThatLeftItsGroup) {
  ChildSpec spec = shell(
      "setsid sh -c 'echo $$ >daemon; exec sleep 1000' >/dev/null 2>&1 & "
      "until test -s daemon; do sleep 0.01; done; echo done");
  Enclosure inside = enclosure();
  inside.put_in(spec);
  EXPECT_EQ(inside.has_cgroup(), GetParam());
  const auto result = run_child(spec);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->output, "done\n");
  const pid_t daemon = pid_in("daemon");
  ASSERT_GT(daemon, 1);
  EXPECT_TRUE(alive(daemon)) << "it was not in the group";
  EXPECT_EQ(inside.end(), 1u);
  EXPECT_FALSE(alive(daemon));
  EXPECT_FALSE(inside.has_cgroup()) << "the empty cgroup is removed";
}

// The name is all that a process which comes after us has.
TEST_P(EnclosureTest, FindsWhatADeadProcessLeft) {
  ChildSpec spec = shell(
      "setsid sh -c 'trap \"\" TERM; echo $$ >daemon; sleep 1000; true' & "
      "echo $$ >leader; sleep 1000");
  const pid_t mother = ::fork();
  ASSERT_GE(mother, 0);
  if (mother == 0) {
    Enclosure inside = enclosure();
    inside.put_in(spec);
    (void)run_child(spec);
    ::_exit(0);
  }
  const pid_t daemon = pid_in("daemon"), leader = pid_in("leader");
  ::kill(mother, SIGKILL);
  ::waitpid(mother, nullptr, 0);
  ASSERT_GT(daemon, 1);
  ASSERT_GT(leader, 1);
  EXPECT_TRUE(alive(daemon) && alive(leader));
  Enclosure again = enclosure();
  EXPECT_GE(again.end(), 4u);  // two shells and their sleeps
  EXPECT_FALSE(alive(daemon));
  EXPECT_FALSE(alive(leader));
  EXPECT_EQ(enclosure().end(), 0u);
}

TEST_P(EnclosureTest, OthersAreLeftAlone) {
  ChildSpec other = shell("echo $$ >other; exec sleep 1000");
  other.environment[Enclosure::variable] = name_ + "-not";
  auto bystander = Child::start(other);
  ASSERT_TRUE(bystander.ok());
  const pid_t pid = pid_in("other");
  ChildSpec spec = shell("true");
  Enclosure inside = enclosure();
  inside.put_in(spec);
  ASSERT_TRUE(run_child(spec).ok());
  EXPECT_EQ(inside.end(), 0u);
  EXPECT_TRUE(alive(pid));
}

// With a cgroup nothing gets away, not even what forgets its environment; this is the limit of
// doing without one.
TEST_P(EnclosureTest, ADaemonWithoutAnEnvironmentIsFoundByItsCgroupOnly) {
  ChildSpec spec = shell(
      "env -i setsid sh -c 'echo $$ >daemon; exec sleep 1000' >/dev/null 2>&1 &"
      "until test -s daemon; do sleep 0.01; done");
  Enclosure inside = enclosure();
  inside.put_in(spec);
  ASSERT_TRUE(run_child(spec).ok());
  const pid_t daemon = pid_in("daemon");
  inside.end(milliseconds(100));
  EXPECT_EQ(alive(daemon), !GetParam());
  ::kill(daemon, SIGKILL);
}

TEST_P(EnclosureTest, TheProgramGetsItsArgumentsAndStatusIsItsOwn) {
  ChildSpec spec;
  spec.argv = {"printf", "%s|", "a b", "$(id)", "", "\"q\""};
  Enclosure inside = enclosure();
  inside.put_in(spec);
  const auto result = run_child(spec);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->output, "a b|$(id)||\"q\"|");
  ChildSpec missing;
  missing.argv = {"/no/such/program"};
  inside.put_in(missing);
  const auto refused = run_child(missing);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "program_missing");
  ChildSpec killed = shell("kill -9 $$");
  inside.put_in(killed);
  EXPECT_EQ(run_child(killed)->signal, 9);
  inside.end();
}

TEST(EnclosureOfNobody, ACgroupThatCannotBeEnteredStopsNoProgram) {
  ChildSpec spec;
  spec.argv = {"echo", "runs"};
  spec.cgroup = "/no/such/cgroup";
  const auto result = run_child(spec);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->output, "runs\n");
  EXPECT_EQ(result->errors, "");
}

}  // namespace
}  // namespace rolesync
