// SPDX-License-Identifier: Apache-2.0
// The report goes on while all files of a role are read again, and says so only afterwards.
#include "host/agent/role_report.hpp"

#include <condition_variable>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/agent/running.hpp"
#include "host/plugin/registry.hpp"
#include "host/services/fake/fake_clock.hpp"
#include "tests/host/activation/recording_file_system.hpp"
#include "tests/host/activation/tree_fixture.hpp"

namespace rolesync::agent {
namespace {

constexpr std::chrono::seconds kPatience{60};
constexpr Millis kNow = 1'800'000'000'000;

// A disk that reads no byte of a file while it is shut. It says that an hour has passed: files that
// were written within the last tick of the clock would be read at every look.
class SlowDisk : public RecordingFileSystem {
 public:
  std::int64_t now_ns() override { return RecordingFileSystem::now_ns() + 3600LL * 1'000'000'000; }
  Status read_chunks(const std::string& path,
                     const std::function<void(std::string_view)>& sink) override {
    std::unique_lock lock(mutex_);
    reading_ = true;
    ++reads_;
    moved_.notify_all();
    moved_.wait(lock, [this] { return open_; });
    lock.unlock();
    return RecordingFileSystem::read_chunks(path, sink);
  }
  void wait_until_it_reads() {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(moved_.wait_for(lock, kPatience, [this] { return reading_; }));
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    moved_.notify_all();
  }
  void shut() {
    const std::lock_guard lock(mutex_);
    open_ = reading_ = false;
    reads_ = 0;
  }
  int reads() {
    const std::lock_guard lock(mutex_);
    return reads_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable moved_;
  bool open_ = true, reading_ = false;
  int reads_ = 0;
};

class RoleReport : public TreeTest {
 protected:
  void SetUp() override {
    config_.state_dir = root() + "/agent";
    config_.limits.allowed_roots = {root()};
    std::filesystem::create_directory(config_.state_dir);
    role_.name = "web";
    role_.target_path = target();
    role_.source_paths = {"web"};
    const Json definitions{{"etag", "1"}, {"roles", {role_to_json(role_)}}, {"assigned", {"web"}}};
    std::ofstream(config_.state_dir + "/definitions.json") << to_text(definitions);
    for (const auto& [path, content] : kTree) put_file(at(path), content);
    Installations installations(real_file_system(), config_);
    const auto held = installations.hold(role_);
    ASSERT_EQ(problem(held), "");
    ASSERT_EQ(problem((*held)->adopt(release_of(kTree, "one"))), "");
    ASSERT_EQ(problem((*held)->prove()), "");
  }
  std::unique_ptr<RoleReporter> reporter(bool full_first, FileSystem& disk) {
    plugin::RegistryOptions options;
    options.private_directory = config_.state_dir + "/plugins";
    registry_ = std::make_unique<plugin::Registry>(std::move(options));
    plugins_ = std::make_unique<RolePlugins>(config_, *registry_);
    definitions_ = std::make_unique<DefinitionStore>(config_);
    installations_ = std::make_unique<Installations>(disk, config_);
    return std::make_unique<RoleReporter>(
        RoleReporter::Parts{*definitions_, *installations_, prover_, *plugins_, *units_, *ports_,
                            clock_, "n1"},
        full_first, [this] {
          const std::lock_guard lock(mutex_);
          late_ = true;
          came_.notify_all();
        });
  }
  static Json look(RoleReporter& reporter) {
    const LocalReport report = reporter.look(RoleReporter::Occasion::heartbeat);
    return (*parse_json(report.roles))["web"];
  }
  // A look that somebody waits for; a null one took too long.
  static Json prompt_look(RoleReporter& reporter, SlowDisk& disk) {
    auto looking = std::async(std::launch::async, [&] { return look(reporter); });
    const bool done = looking.wait_for(kPatience) == std::future_status::ready;
    if (!done) disk.open();
    const Json report = looking.get();
    return done ? report : Json();
  }
  void wait_for_news() {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(came_.wait_for(lock, kPatience, [this] { return late_; }));
    late_ = false;
  }

  const Tree kTree = {{"a", "one"}, {"d/b", "two"}, {"d/c", "->b"}};
  AgentConfig config_;
  Role role_;
  SlowDisk disk_;
  FakeClock clock_{kNow};
  std::mutex mutex_;
  std::condition_variable came_;
  bool late_ = false;
  std::unique_ptr<Units> units_ = systemd_units();
  std::unique_ptr<Ports> ports_ = kernel_ports();
  Prover prover_{[](const std::string&) {}};
  std::unique_ptr<plugin::Registry> registry_;
  std::unique_ptr<RolePlugins> plugins_;
  std::unique_ptr<DefinitionStore> definitions_;
  std::unique_ptr<Installations> installations_;
};

TEST_F(RoleReport, NoHeartbeatWaitsForWhatIsReadAgainAfterAnUncleanEnd) {
  const auto reporter = this->reporter(true, disk_);
  reporter->learn_releases();
  disk_.shut();
  Json report = prompt_look(*reporter, disk_);
  ASSERT_FALSE(report.is_null()) << "the look waited for the disk";
  EXPECT_EQ(report["version"], "one");
  EXPECT_TRUE(report["verified_at"].is_null()) << report;
  disk_.wait_until_it_reads();
  for (int i = 0; i < 3; ++i) {
    report = prompt_look(*reporter, disk_);
    ASSERT_FALSE(report.is_null()) << "the look waited for the disk";
    EXPECT_TRUE(report["verified_at"].is_null()) << report;
  }
  disk_.open();
  wait_for_news();
  report = look(*reporter);
  EXPECT_TRUE(report["verified_at"].is_string()) << report;
  EXPECT_EQ(report["drift_count"], 0) << report;
}

TEST_F(RoleReport, NoHeartbeatWaitsForTheDailyReading) {
  const auto reporter = this->reporter(false, disk_);
  EXPECT_TRUE(look(*reporter)["verified_at"].is_string());
  disk_.shut();
  clock_.advance(std::chrono::hours(25));
  ASSERT_FALSE(prompt_look(*reporter, disk_).is_null()) << "the look waited for the disk";
  disk_.wait_until_it_reads();
  ASSERT_FALSE(prompt_look(*reporter, disk_).is_null()) << "the look waited for the disk";
  disk_.open();
  wait_for_news();
  EXPECT_EQ(look(*reporter)["drift_count"], 0);
  EXPECT_EQ(disk_.reads(), 2);  // of each file once; what a symlink says is no read
}

TEST_F(RoleReport, AFileThatCannotBeReadIsNotTakenForProven) {
  class BrokenDisk : public RecordingFileSystem {
   public:
    Status read_chunks(const std::string& path,
                       const std::function<void(std::string_view)>&) override {
      return Error{ErrorKind::failed, "eio", "cannot read " + path};
    }
  } broken;
  const auto reporter = this->reporter(true, broken);
  reporter->learn_releases();
  look(*reporter);
  wait_for_news();
  for (int i = 0; i < 3; ++i) {
    const Json report = look(*reporter);
    EXPECT_EQ(report["error_reason"], "proof_failed") << report;
    EXPECT_TRUE(report["verified_at"].is_null()) << report;
  }
}

struct Start {
  const char* what;
  std::optional<Millis> started_at, since_boot;
  const char* boot;
  const char* running;
};

// A service that was started a second before or after the switch, with clocks that jump.
TEST(Running, IsAskedOnAClockThatNeverJumps) {
  FakeClock clock(kNow);
  clock.advance(std::chrono::hours(1));
  const Moment activation = moment_of(clock);
  const Millis since = activation.since_boot, day = Millis{86'400} * 1000;
  const Start cases[] = {
      {"before", activation.at - 1000, since - 1000, "fake-boot", "restart_pending"},
      {"after", activation.at + 1000, since + 1000, "fake-boot", "current"},
      {"after, the clock went back", activation.at - day, since + 1000, "fake-boot", "current"},
      {"before, the clock went back", activation.at + day, since - 1000, "fake-boot",
       "restart_pending"},
      {"after a boot with a wrong clock", activation.at - day, 5000, "next-boot", "current"},
      {"told by the wall clock alone", activation.at - 1000, std::nullopt, "fake-boot",
       "restart_pending"},
      {"not told", std::nullopt, std::nullopt, "fake-boot", "unknown"},
  };
  for (const Start& each : cases) {
    ServiceState service;
    service.state = "running";
    service.started_at = each.started_at;
    service.started_since_boot = each.since_boot;
    EXPECT_STREQ(running_fact(service, activation, each.boot), each.running) << each.what;
  }
  // A record of an older version has no such time.
  ServiceState service;
  service.state = "running";
  service.started_at = activation.at + 1;
  service.started_since_boot = 1;
  EXPECT_STREQ(running_fact(service, {activation.at, "", 0}, "fake-boot"), "current");
}

}  // namespace
}  // namespace rolesync::agent
