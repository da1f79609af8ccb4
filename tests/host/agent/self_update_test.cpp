// SPDX-License-Identifier: Apache-2.0
// What an update of the agent remembers, the number of the state's form, and who notices a thread
// that hangs. The whole of it is told by tests/e2e/self_update*_test.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <future>

#include "host/agent/contact_text.hpp"
#include "host/agent/keyed_workers.hpp"
#include "host/agent/liveness.hpp"
#include "host/agent/recovery.hpp"
#include "host/agent/self_update/attempt.hpp"
#include "host/agent/self_update/fall_back.hpp"
#include "host/services/durable_file.hpp"

namespace rolesync::agent {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SelfUpdateState : public ::testing::Test {
 protected:
  SelfUpdateState() {
    config.state_dir = fs::temp_directory_path() / "rolesync-self-test-XXXXXX";
    EXPECT_NE(::mkdtemp(config.state_dir.data()), nullptr);
  }
  ~SelfUpdateState() override {
    std::error_code ignored;
    fs::remove_all(config.state_dir, ignored);
  }
  static Attempt attempt() {
    Attempt made;
    made.task_id = "task_1";
    made.role.name = "rolesync-agent";
    made.role.source_paths = {"dist/"};
    made.role.target_path = "/opt/rolesync";
    made.role.self = SelfUpdate::agent;
    made.program = "/opt/rolesync/bin/rolesync-agent";
    made.arguments = {"rolesync-agent", "run", "--config", "/etc/a b.toml"};
    made.supervised = true;
    made.process = identify_process(::getpid());
    return made;
  }
  AgentConfig config;
};

TEST_F(SelfUpdateState, AnAttemptIsRememberedUntilItIsConfirmed) {
  AttemptStore store(config);
  EXPECT_FALSE(store.load()->has_value());
  EXPECT_TRUE(store.remove().ok());  // nothing to confirm is no error
  ASSERT_TRUE(store.keep_program().ok());
  ASSERT_TRUE(store.save(attempt()).ok());
  const auto loaded = store.load();
  ASSERT_TRUE(loaded.ok() && loaded->has_value());
  EXPECT_EQ((*loaded)->task_id, "task_1");
  EXPECT_EQ((*loaded)->role.target_path, "/opt/rolesync");
  EXPECT_EQ((*loaded)->arguments, attempt().arguments);
  EXPECT_TRUE((*loaded)->supervised);
  EXPECT_TRUE((*loaded)->is_this_process());
  struct stat kept {};
  ASSERT_EQ(::stat(store.kept_program().c_str(), &kept), 0);
  EXPECT_EQ(kept.st_mode & 0777, 0700u);
  EXPECT_EQ(static_cast<std::uintmax_t>(kept.st_size), fs::file_size("/proc/self/exe"));
  ASSERT_TRUE(store.remove().ok());
  EXPECT_FALSE(store.load()->has_value());
  EXPECT_FALSE(fs::exists(store.kept_program()));
}

TEST_F(SelfUpdateState, OnlyTheProcessOnTrialIsNotUndone) {
  AttemptStore store(config);
  Attempt other = attempt();
  other.process->start_time += 1;  // the same number, another process
  EXPECT_FALSE(other.is_this_process());
  other.process = identify_process(::getpid());
  other.process->boot_id = "another boot";
  EXPECT_FALSE(other.is_this_process());
  other.process.reset();
  EXPECT_FALSE(other.is_this_process());

  ASSERT_TRUE(store.save(attempt()).ok());
  EXPECT_EQ(*undo_unconfirmed(config), "");
  EXPECT_TRUE(store.load()->has_value());
  // Of a role that is not installed here nothing can be put back; yet it ends.
  ASSERT_TRUE(store.save(other).ok());
  EXPECT_FALSE(undo_unconfirmed(config).ok());
  EXPECT_FALSE(store.load()->has_value());
}

TEST_F(SelfUpdateState, ADamagedRecordIsNotGuessedAt) {
  ASSERT_TRUE(make_directories(config.state_dir + "/self_update").ok());
  for (const char* text : {"", "[]", "{", R"({"role": {}})", R"({"role": 7, "task_id": "x"})"}) {
    ASSERT_TRUE(write_durably(config.state_dir + "/self_update/attempt.json", text).ok());
    const auto loaded = AttemptStore(config).load();
    ASSERT_FALSE(loaded.ok()) << text;
    EXPECT_EQ(loaded.error().reason, "state_damaged");
  }
}

TEST_F(SelfUpdateState, StateOfANewerAgentIsRefused) {
  EXPECT_TRUE(check_state_format(config).ok());
  EXPECT_EQ(**read_if_there(config.state_dir + "/format"), "1\n");
  EXPECT_TRUE(check_state_format(config).ok());
  for (const auto& [text, reason] : {std::pair{"2\n", "state_newer"}, {"one", "state_damaged"}}) {
    ASSERT_TRUE(write_durably(config.state_dir + "/format", text).ok());
    const Status refused = check_state_format(config);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().reason, reason);
  }
}

TEST(Liveness, NamesThreadsThatDoNotGetOn) {
  Liveness liveness;
  Liveness::Thread& one = liveness.add("one");
  Liveness::Thread& two = liveness.add("two");
  const auto now = Liveness::Clock::now();
  EXPECT_THAT(liveness.overdue(now + std::chrono::hours(1000)), IsEmpty());
  one.expect(std::chrono::seconds(10));
  two.expect(std::chrono::hours(1));
  EXPECT_THAT(liveness.overdue(now), IsEmpty());
  EXPECT_THAT(liveness.overdue(now + std::chrono::minutes(5)), ElementsAre("one"));
  one.rest();
  EXPECT_THAT(liveness.overdue(now + std::chrono::minutes(5)), IsEmpty());
}

TEST(Liveness, AJobThatNeverEndsIsNoticed) {
  Liveness liveness;
  KeyedWorkers workers("tasks", 2, &liveness, std::chrono::seconds(100));
  std::promise<void> begun, end;
  workers.add("a", [&] {
    begun.set_value();
    end.get_future().wait();
  });
  begun.get_future().wait();
  const auto now = Liveness::Clock::now();
  EXPECT_THAT(liveness.overdue(now + std::chrono::seconds(10)), IsEmpty());
  EXPECT_THAT(liveness.overdue(now + std::chrono::seconds(200)), ::testing::Contains("tasks"));
  end.set_value();
}

TEST(ContactLine, SaysHowItIsAndWhyNot) {
  ContactStatus status;
  status.node_id = "web-1";
  status.state = "connected";
  status.since = 1'000;
  EXPECT_EQ(contact_line(status), "node web-1 connected since 1970-01-01T00:00:01.000Z");
  status.state = "server_away";
  status.message = "no route";
  EXPECT_EQ(contact_line(status),
            "node web-1 server_away since 1970-01-01T00:00:01.000Z: no route");
}

}  // namespace
}  // namespace rolesync::agent
