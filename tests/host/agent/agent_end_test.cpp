// SPDX-License-Identifier: Apache-2.0
// The agent's program is ended at random moments of its tasks, by TERM and by KILL: it goes soon,
// nothing is half done, and every event has one effect.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <thread>

#include "host/agent/contact.hpp"
#include "host/agent/credential.hpp"
#include "tests/host/agent/stand_in_server.hpp"
#include "tests/place.hpp"

namespace rolesync::agent {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

class AgentEnd : public ::testing::Test {
 protected:
  AgentEnd() {
    std::string pattern = "/tmp/rolesync-end-XXXXXX";
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp");
    directory_ = pattern;
    for (const char* each : {"/root", "/state"}) fs::create_directories(directory_ + each);
    server_ = std::make_unique<StandInServer>(directory_ + "/server");
    server_->start();
    AgentConfig config;
    config.state_dir = directory_ + "/state";
    config.credential_file = config.state_dir + "/credential";
    EXPECT_TRUE(Credential::replace(config, "secret-of-n1").ok());
    const std::string plugins = build_directory() + "/plugins/";
    std::ofstream(directory_ + "/agent.toml")
        << "node_id = \"n1\"\nstate_dir = \"" << config.state_dir << "\"\nplugin_dirs = [\""
        << plugins << "deployer\", \"" << plugins << "detector\", \"" << plugins
        << "restart_strategy\"]\ndrop_in_dirs = []\nallowed_roots = [\"" << directory_
        << "/root\"]\n[server]\nurl = \"" << server_->url()
        << "\"\n[commands]\nallowed = true\nas_root = true\n";
    fs::permissions(directory_ + "/agent.toml", fs::perms(0600));
    role_.name = "web";
    role_.source_paths = {"web"};
    role_.target_path = directory_ + "/root/web";
    role_.deployer = "rsync_component";
    role_.detector = "path_service_port";
    role_.restart_strategy = "none";
    // Slow while there is a file "slow": then only a signal ends it in time.
    role_.post_sync_cmd = {"sh", "-c", "test ! -e ../slow || sleep 120"};
    server_->define({role_});
    start();
  }
  ~AgentEnd() override {
    end(SIGKILL);
    server_.reset();
    fs::remove_all(directory_);
  }
  void start() {
    const std::string program = build_directory() + "/bin/rolesync-agent";
    const std::string config = directory_ + "/agent.toml", log = directory_ + "/agent.log";
    agent_ = ::fork();
    ASSERT_GE(agent_, 0);
    if (agent_ != 0) return;
    const int to = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (to < 0 || ::dup2(to, 2) != 2) ::_exit(126);
    ::execl(program.c_str(), program.c_str(), "run", "--config", config.c_str(), nullptr);
    ::_exit(127);
  }
  // It has read its config and blocked its signals by then.
  void wait_until_it_talks(std::size_t before) {
    ASSERT_FALSE(server_->heartbeat([](const Json&) { return true; }, before).is_null());
  }
  // The status it left with.
  int end(int signal) {
    if (agent_ <= 0) return 0;
    int status = 0;
    ::kill(agent_, signal);
    ::waitpid(agent_, &status, 0);
    agent_ = 0;
    return status;
  }
  void order_stage(const std::string& task, const std::string& content) {
    server_->order("stage_" + task, "stage", server_->task(task, role_, content));
  }
  Json wait_for(const std::string& task, const std::set<std::string>& states) {
    return server_->event([&](const Json& event) {
      return event["task_id"] == task && states.contains(event["state"].get<std::string>());
    });
  }
  Json end_of(const std::string& task) {
    return wait_for(task, {"succeeded", "failed", "rolled_back", "rollback_failed", "cancelled"});
  }
  std::string content_of(const std::string& path) const {
    std::ifstream in(role_.target_path + "/" + path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::string directory_;
  std::unique_ptr<StandInServer> server_;
  Role role_;
  pid_t agent_ = 0;
};

TEST_F(AgentEnd, TermEndsItSoonAtAnyMomentOfATask) {
  std::minstd_rand random(std::random_device{}());
  std::string now_there;
  std::map<std::string, int> ends;
  std::size_t heard = 0;
  for (int round = 0; round < 16; ++round) {
    const std::string task = "t" + std::to_string(round), text = "release " + task;
    const std::string content = server_->content({{"f", text}, {"g/" + task, text}});
    const bool slow = round % 2 == 1;
    wait_until_it_talks(heard);
    if (slow) std::ofstream(directory_ + "/root/slow").put('x');
    // A task takes about a tenth of a second here; a slow one stays in its command.
    const milliseconds moment(std::uniform_int_distribution<int>(0, slow ? 600 : 200)(random));
    std::thread killer([&] {
      std::this_thread::sleep_for(moment);
      const auto begun = Clock::now();
      const int status = end(SIGTERM);
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
      // Its own limit is a second. The command would take two minutes.
      EXPECT_LT(Clock::now() - begun, seconds(30)) << "after " << moment.count() << " ms";
      fs::remove(directory_ + "/root/slow");
      heard = server_->heartbeats();
      start();
    });
    order_stage(task, content);
    const Json staged = wait_for(task, {"staged", "failed"});
    if (!staged.is_null() && staged["state"] == "staged") {
      server_->order("activate_" + task, "activate", {{"task_id", task}});
    }
    const Json last = end_of(task);
    killer.join();
    ASSERT_FALSE(last.is_null()) << task;
    ++ends[last["state"]];
    if (last["state"] == "succeeded") {
      now_there = text;
    } else {
      EXPECT_FALSE(last["reason"].get<std::string>().empty()) << last;
    }
    EXPECT_EQ(content_of("f"), now_there) << last;
  }
  EXPECT_GT(ends["succeeded"], 0);
  EXPECT_EQ(ends["rollback_failed"], 0);
}

// The server keeps an event when it reads it, and the agent forgets it when it reads the answer: a
// death in between has it sent again.
TEST_F(AgentEnd, AnEventThatIsSentAgainAfterADeathHasOneEffect) {
  for (int round = 0; round < 6; ++round) {
    const std::string task = "t" + std::to_string(round);
    const std::string content = server_->content({{"f", task}});
    order_stage(task, content);
    ASSERT_FALSE(wait_for(task, {"staged"}).is_null());
    server_->order("activate_" + task, "activate", {{"task_id", task}});
    ASSERT_EQ(end_of(task)["state"], "succeeded");
    end(SIGKILL);
    start();
  }
  // What the last process had not seen answered comes again with the next heartbeats.
  for (const auto end = Clock::now() + seconds(60);
       server_->repeated() == 0 && Clock::now() < end;) {
    std::this_thread::sleep_for(milliseconds(20));
  }
  EXPECT_GT(server_->repeated(), 0) << "no death was between sending and forgetting";
  // A death between telling the end and noting that it was told has the end told again, under
  // another number; it must be the same end.
  std::map<std::string, std::set<std::string>> ends;
  std::map<std::string, std::uint64_t> sequence;
  for (const Json& event : server_->events()) {
    const std::string task = event["task_id"];
    if (event["step"] == "report") ends[task].insert(event["state"].get<std::string>());
    EXPECT_GT(event["sequence"].get<std::uint64_t>(), sequence[task]) << "out of order: " << event;
    sequence[task] = event["sequence"];
  }
  EXPECT_EQ(ends.size(), 6u);
  for (const auto& [task, states] : ends) {
    EXPECT_EQ(states, std::set<std::string>{"succeeded"}) << task;
  }
}

}  // namespace
}  // namespace rolesync::agent
