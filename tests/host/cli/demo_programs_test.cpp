// SPDX-License-Identifier: Apache-2.0
// A demo leaves no process behind: not its own, and not what those started and abandoned.
#include "host/cli/demo/programs.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "host/cli/demo/state_file.hpp"
#include "host/cli/demo/surroundings.hpp"

namespace rolesync::cli {
namespace {

class DemoProgramsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "rolesync-programs.XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  Status start(DemoPrograms& programs, const std::string& script) const {
    return programs.start("it", {"sh", "-c", script}, {{"PATH", "/usr/bin:/bin"}}, path("log"));
  }
  // Waits until the script has written a pid there.
  pid_t pid_in(const std::string& name) const {
    pid_t pid = 0;
    wait_until(std::chrono::seconds(20), [&] { return bool(std::ifstream(path(name)) >> pid); });
    return pid;
  }
  static bool alive(pid_t pid) { return ::kill(pid, 0) == 0 || errno != ESRCH; }

  std::string directory_;
};

TEST_F(DemoProgramsTest, EndsAbandonedProcessesToo) {
  pid_t own = 0, abandoned = 0;
  {
    DemoPrograms programs;
    // The inner one is in a session of its own and loses its parent: like a role's process.
    ASSERT_TRUE(start(programs, "setsid sh -c 'echo $$ >" + path("a.new") + "; mv " +
                                    path("a.new") + " " + path("abandoned") +
                                    "; exec sleep 1000' & echo $$ >" + path("o.new") + "; mv " +
                                    path("o.new") + " " + path("own") + "; exec sleep 1000")
                    .ok());
    own = pid_in("own");
    abandoned = pid_in("abandoned");
    ASSERT_GT(own, 0);
    ASSERT_GT(abandoned, 0);
    EXPECT_TRUE(programs.running("it"));
    EXPECT_TRUE(alive(abandoned));
  }
  EXPECT_FALSE(alive(own));
  EXPECT_FALSE(alive(abandoned));
}

TEST_F(DemoProgramsTest, KnowsWhenAProgramEndedByItself) {
  DemoPrograms programs;
  const Status started = start(programs, "exit 3");
  if (!started) return;  // it was over before we looked
  EXPECT_TRUE(wait_until(std::chrono::seconds(20), [&] { return !programs.running("it"); }));
}

TEST_F(DemoProgramsTest, StateIsFoundWhileItsProcessLives) {
  const std::string file = path("state.json");
  const DemoState state{::getpid(), process_start_time(::getpid()), "/d", "http://u", "t"};
  ASSERT_TRUE(write_demo_state(file, state).ok());
  ASSERT_TRUE(write_demo_state(file, state).ok());  // over an older one
  const auto read = read_demo_state(file);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->token, "t");
}

TEST_F(DemoProgramsTest, StateOfAnotherProcessWithThatPidIsNoDemo) {
  const std::string file = path("state.json");
  ASSERT_TRUE(write_demo_state(file, {::getpid(), "1", "/d", "http://u", "t"}).ok());
  ASSERT_FALSE(read_demo_state(file).ok());
  EXPECT_EQ(read_demo_state(file).error().reason, "no_demo");
  EXPECT_FALSE(read_demo_state(path("none")).ok());
}

TEST_F(DemoProgramsTest, EnvironmentSurvivesAnyPath) {
  const std::string text = shell_environment({1, "1", "/it's $HOME", "http://u", "t"}, "/bin dir");
  EXPECT_NE(text.find("export ROLESYNC_DEMO='/it'\\''s $HOME'\n"), std::string::npos) << text;
  EXPECT_NE(text.find("export PATH='/bin dir':\"$PATH\"\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace rolesync::cli
