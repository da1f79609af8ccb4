// SPDX-License-Identifier: Apache-2.0
// The doctor: each failure is provoked and named, and a sound node has none.
#include "host/agent/doctor/doctor.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <regex>

#include "host/agent/doctor/checks.hpp"
#include "host/process/enclosure.hpp"
#include "host/process/unique_fd.hpp"
#include "host/services/clock.hpp"
#include "host/values/json.hpp"
#include "tests/place.hpp"

namespace rolesync::agent::doctor {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;

// A node with everything in its place, in a directory of its own.
class Doctor : public ::testing::Test {
 protected:
  Doctor() {
    directory = fs::temp_directory_path() / "rolesync-doctor-test-XXXXXX";
    char* made = ::mkdtemp(directory.data());
    EXPECT_NE(made, nullptr);
    config.node_id = "web-1";
    config.state_dir = directory + "/state";
    config.credential_file = config.state_dir + "/credential";
    config.server_urls = {"http://127.0.0.1:1"};
    config.limits.allowed_roots = {directory + "/srv"};
    config.plugin_dirs = {directory + "/plugins"};
    config.drop_in_dirs.clear();
    config.plugin_host = "/bin/true";
    for (const std::string& each : {config.state_dir, directory + "/srv", directory + "/plugins"}) {
      fs::create_directory(each);
    }
    ::chmod(config.state_dir.c_str(), 0700);
    write(config.credential_file, "secret\n", 0600);
    write(directory + "/agent.toml", "node_id = \"web-1\"\n", 0600);
  }
  ~Doctor() override {
    std::error_code ignored;
    fs::remove_all(directory, ignored);
  }

  static void write(const std::string& path, const std::string& text, mode_t mode) {
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
  }
  std::string srv(const std::string& rest = "") const { return directory + "/srv" + rest; }

  std::string directory;
  AgentConfig config;
};

TEST_F(Doctor, ASoundNodeHasNothingToComplainOf) {
  for (const Finding& each :
       {check_config_file(directory + "/agent.toml"), check_completeness(config),
        check_command_user(config, {}), check_state_directory(config), check_credential(config),
        check_last_end(config, "b"), check_root_owner(srv()), check_root_switch(srv()),
        check_root_file_system(srv(), {}), check_watches(config, {}), check_kernel(),
        check_open_files(), check_ports()}) {
    EXPECT_EQ(each.level, Level::ok) << each.check << ": " << each.message;
    EXPECT_EQ(each.reason, "");
  }
  // Trying it out leaves nothing behind.
  EXPECT_TRUE(fs::is_empty(srv()));
  EXPECT_EQ(std::distance(fs::directory_iterator(config.state_dir), {}), 1);
}

TEST_F(Doctor, NamesEachFailureOfTheNode) {
  AgentConfig unnamed = config, rootless = config, elsewhere = config, commanding = config;
  unnamed.node_id = "Not A Name";
  rootless.limits.allowed_roots.clear();
  elsewhere.state_dir = directory + "/nowhere";
  elsewhere.credential_file = elsewhere.state_dir + "/credential";
  commanding.limits.commands_allowed = true;
  Role ghost;
  ghost.name = "ghost";
  ghost.owner = "no-such-user-here:staff";

  write(directory + "/open.toml", "", 0666);
  write(directory + "/exposed", "secret", 0644);
  AgentConfig exposed = config;
  exposed.credential_file = directory + "/exposed";
  AgentConfig shared = config;
  shared.state_dir = directory + "/shared";
  fs::create_directory(shared.state_dir);
  ::chmod(shared.state_dir.c_str(), 0755);
  write(config.state_dir + "/running", "another boot", 0600);
  AgentConfig foreign = config;
  foreign.state_dir = "/dev/null";

  const std::vector<std::tuple<Finding, Level, std::string>> cases = {
      {check_config_file(directory + "/absent.toml"), Level::warn, "config_absent"},
      {check_config_file(directory + "/open.toml"), Level::fail, "config_unsafe"},
      {check_completeness(unnamed), Level::fail, "invalid_config"},
      {check_completeness(rootless), Level::warn, "nothing_allowed"},
      {check_command_user(commanding, {ghost}), Level::fail, "user_unknown"},
      {check_state_directory(elsewhere), Level::fail, "state_missing"},
      {check_state_directory(foreign), Level::fail, "state_not_ours"},
      {check_state_directory(shared), Level::warn, "state_open_to_others"},
      {check_state_space(elsewhere), Level::fail, "state_missing"},
      {judge_space(1000, "ext4"), Level::fail, "disk_full"},
      {judge_space(50 << 20, "ext4"), Level::warn, "disk_nearly_full"},
      {judge_space(1ull << 40, "tmpfs"), Level::warn, "state_volatile"},
      {check_running(config), Level::warn, "agent_not_running"},
      {check_credential(elsewhere), Level::fail, "not_joined"},
      {check_credential(exposed), Level::fail, "credential_exposed"},
      {check_last_end(config, "this boot"), Level::warn, "unclean_end"},
  };
  for (const auto& [finding, level, reason] : cases) {
    EXPECT_EQ(finding.reason, reason) << finding.check << ": " << finding.message;
    EXPECT_EQ(finding.level, level) << finding.check;
    EXPECT_NE(finding.hint, "") << finding.check << " does not say what to do";
  }
}

TEST_F(Doctor, NamesEachFailureOfARoot) {
  fs::create_symlink(srv(), directory + "/link");
  write(directory + "/file", "", 0600);
  fs::create_directory(directory + "/open");
  ::chmod((directory + "/open").c_str(), 0777);
  write(srv("/.rolesync"), "", 0600);
  Role far;
  far.name = "far";
  far.target_path = "/dev/shm";

  const std::vector<std::tuple<Finding, Level, std::string>> cases = {
      {check_root_owner(srv("/absent")), Level::fail, "root_missing"},
      {check_root_owner(directory + "/file"), Level::fail, "root_missing"},
      {check_root_owner(directory + "/link"), Level::warn, "root_is_symlink"},
      {check_root_owner(directory + "/open"), Level::warn, "root_unsafe"},
      {check_root_switch("/proc"), Level::fail, "root_unwritable"},
      {check_root_file_system(srv(), {}), Level::fail, "state_not_ours"},
      {check_root_file_system("/dev", {far}), Level::fail, "cross_device"},
      {judge_watches(200'000, 8192), Level::warn, "watches_too_few"},
      {judge_watches(1, std::nullopt), Level::warn, "watches_unknown"},
      {judge_kernel("4.19.0-amd64"), Level::fail, "kernel_old"},
      {judge_kernel("strange"), Level::fail, "kernel_old"},
      {judge_open_files(256), Level::warn, "open_files_few"},
      {judge_rsync(""), Level::warn, "rsync_missing"},
      {judge_rsync("rsync version 3.0.9  protocol"), Level::warn, "rsync_old"},
  };
  for (const auto& [finding, level, reason] : cases) {
    EXPECT_EQ(finding.reason, reason) << finding.check << ": " << finding.message;
    EXPECT_EQ(finding.level, level) << finding.check;
    EXPECT_NE(finding.hint, "") << finding.check;
  }
  EXPECT_EQ(judge_rsync("rsync version 3.2.7  protocol version 31").message, "rsync version 3.2.7");
}

TEST_F(Doctor, SeesAnAgentThatRuns) {
  const UniqueFd lock(::open((config.state_dir + "/lock").c_str(), O_RDWR | O_CREAT, 0600));
  ASSERT_EQ(::flock(lock.get(), LOCK_EX), 0);
  const Finding running = check_running(config);
  EXPECT_EQ(running.level, Level::ok) << running.message;
  EXPECT_THAT(running.message, HasSubstr(std::to_string(::getpid())));
}

TEST_F(Doctor, NamesPluginsAndRepositoriesThatCannotBeUsed) {
  write(directory + "/plugins/Bad Name.so", "", 0600);
  config.drop_in_dirs = {directory + "/absent"};  // nothing to complain of: nobody dropped anything
  config.role_defaults.detector = "missing_one";
  EXPECT_THAT(check_plugins(config), Contains(Field(&Finding::reason, "file_name_invalid")));
  EXPECT_THAT(check_plugins(config), Contains(Field(&Finding::reason, "plugin_missing")));
  EXPECT_FALSE(any_failed(check_plugin_directories(config)));
  config.plugin_dirs.push_back(directory + "/absent");
  config.plugin_host = directory + "/absent";
  EXPECT_THAT(check_plugin_directories(config),
              Contains(Field(&Finding::reason, "plugin_directory_missing")));
  EXPECT_THAT(check_plugin_directories(config),
              Contains(Field(&Finding::reason, "plugin_host_missing")));
  EXPECT_THAT(check_repositories(config), ::testing::IsEmpty());
  config.source_repositories = {directory + "/absent", directory + "/srv"};
  EXPECT_THAT(check_repositories(config), Contains(Field(&Finding::reason, "repository_missing")));
  EXPECT_THAT(check_repositories(config), Contains(Field(&Finding::reason, "repository_unusable")));
}

TEST_F(Doctor, NamesWhereTheWayToTheServerEnds) {
  const ServerAddress https{"https://one.example:8770", "ab", ""};
  const Error error{ErrorKind::unavailable, "why", "because", "do it"};
  const Millis now = 1'800'000'000'000;
  const auto judged = [&](const std::function<void(ServerTrial&)>& spoil, bool joined = true) {
    ServerTrial trial;
    trial.secure = true;
    trial.certificate_expires_at = now + Millis{400} * 24 * 3600 * 1000;
    trial.server_time = now;
    spoil(trial);
    const Findings findings = judge_trial(https, trial, joined, now);
    for (const Finding& each : findings) {
      if (each.level != Level::ok) return each.check + " " + each.reason;
    }
    return std::string("fine");
  };
  EXPECT_EQ(judged([](ServerTrial&) {}), "fine");
  EXPECT_EQ(judged([&](ServerTrial& t) { t.address = error; }), "server.url why");
  EXPECT_EQ(judged([&](ServerTrial& t) { t.name = error; }), "server.name why");
  EXPECT_EQ(judged([&](ServerTrial& t) { t.reached = error; }), "server.connection why");
  EXPECT_EQ(judged([&](ServerTrial& t) { t.trusted = error; }), "server.certificate why");
  EXPECT_EQ(judged([&](ServerTrial& t) { t.answered = error; }), "server.answer why");
  EXPECT_EQ(judged([&](ServerTrial& t) { t.accepted = error; }), "server.credential why");
  EXPECT_EQ(judged([&](ServerTrial&) {}, false), "server.credential not_joined");
  EXPECT_EQ(judged([&](ServerTrial& t) { t.certificate_expires_at = now + 1000; }),
            "server.certificate certificate_expires");
  EXPECT_EQ(judged([&](ServerTrial& t) { t.certificate_expires_at = now - 1000; }),
            "server.certificate certificate_expires");
  EXPECT_EQ(judged([&](ServerTrial& t) { t.server_time = now + 60'000; }),
            "server.clock clock_differs");
  EXPECT_EQ(judged([&](ServerTrial& t) { t.server_time = now - 3'600'000; }),
            "server.clock clock_differs");
  // And for real: nobody listens there, nobody is called that.
  EXPECT_THAT(check_server({"http://127.0.0.1:1", "", ""}, "x"),
              Contains(Field(&Finding::check, "server.connection")));
  EXPECT_THAT(check_server({"ftp://127.0.0.1", "", ""}, "x"),
              Contains(Field(&Finding::reason, "invalid_url")));
}

TEST_F(Doctor, TellsSinceWhenAndWhyThereIsNoContact) {
  const auto one = [](const ContactStatus& status, bool running, Millis now) {
    return judge_contact(status, running, now).front();
  };
  const Millis now = 1'800'000'000'000;
  EXPECT_TRUE(judge_contact(std::nullopt, false, now).empty());
  ContactStatus status;
  status.state = "connected";
  status.server = "https://one.example:8770";
  status.since = now - 3'600'000;
  status.last_contact_at = now - 20'000;
  EXPECT_EQ(one(status, true, now).level, Level::ok);
  EXPECT_THAT(one(status, true, now).message, HasSubstr(to_rfc3339(status.since)));
  EXPECT_EQ(one(status, true, now + 600'000).reason, "contact_stale");

  const std::pair<Standing, const char*> lost[] = {
      {Standing::server_away, "server is away"}, {Standing::server_unverified, "cannot prove"},
      {Standing::refused, "does not accept"},    {Standing::revoked, "revoked this node"},
      {Standing::clone, "another machine"},
  };
  status.reason = "some_reason";
  status.message = "Why it is so";
  status.hint = "mend it";
  for (const auto& [standing, words] : lost) {
    status.state = standing_name(standing);
    const Finding finding = one(status, true, now);
    EXPECT_EQ(finding.level, Level::fail) << status.state;
    EXPECT_EQ(finding.reason, "some_reason");
    EXPECT_EQ(finding.hint, "mend it");
    EXPECT_THAT(finding.message, HasSubstr(words));
    EXPECT_THAT(finding.message, HasSubstr("since " + to_rfc3339(status.since)));
    EXPECT_THAT(finding.message, HasSubstr("Why it is so"));
    // Of an agent that does not run any more it is only told.
    EXPECT_EQ(one(status, false, now).level, Level::ok);
  }
  status.state = standing_name(Standing::starting);
  EXPECT_EQ(one(status, true, now).reason, "agent_starting");
  status.rotation = "pending";
  status.queue_reason = "queue_unwritable";
  EXPECT_THAT(judge_contact(status, true, now),
              ::testing::IsSupersetOf({Field(&Finding::reason, "rotation_pending"),
                                       Field(&Finding::reason, "queue_unwritable")}));
}

TEST_F(Doctor, ReadsWhatTheRunningAgentHasWrittenDown) {
  EXPECT_THAT(check_contact(config), ::testing::IsEmpty());
  {
    Contact contact(config, real_clock().boot_id());
    contact.failed(config.server_urls.front(),
                   {ErrorKind::unauthenticated, "node_revoked", "web-1 was revoked", "join again"},
                   std::chrono::seconds(60));
    EXPECT_THAT(check_contact(config), Contains(Field(&Finding::reason, "node_revoked")));
    contact.reached(config.server_urls.front());
    EXPECT_FALSE(any_failed(check_contact(config)));
  }
  write(config.state_dir + "/status.json", "{", 0644);
  EXPECT_THAT(check_contact(config), Contains(Field(&Finding::reason, "status_damaged")));
}

TEST_F(Doctor, TriesWhetherCommandsGetAControlGroup) {
  EXPECT_EQ(try_cgroup("").reason, "cgroup_absent");
  EXPECT_EQ(try_cgroup(directory + "/absent").reason, "cgroup_not_delegated");
  fs::create_directory(directory + "/no-cgroup");  // no process can be put into what is made there
  EXPECT_EQ(try_cgroup(directory + "/no-cgroup").reason, "cgroup_not_delegated");
  EXPECT_TRUE(fs::is_empty(directory + "/no-cgroup"));
  const std::string own = Enclosure::own_cgroup();
  if (own.empty()) GTEST_SKIP() << "no cgroup of version 2 to be had here";
  const Finding tried = try_cgroup(own);
  EXPECT_TRUE(tried.reason.empty() || tried.reason == "cgroup_not_delegated") << tried.message;
  for (const auto& entry : fs::directory_iterator(own)) {
    EXPECT_FALSE(entry.path().filename().string().starts_with("rolesync-doctor-"));
  }
}

// A unit as packaging/systemd has it.
UnitSettings packaged_unit() {
  UnitSettings unit;
  unit.name = "rolesync-agent.service";
  unit.load_state = "loaded";
  unit.file_state = "enabled";
  unit.type = "notify";
  unit.watchdog_us = 60'000'000;
  unit.restart = "always";
  unit.kill_mode = "process";
  unit.protect_system = "full";
  unit.protect_home = "no";
  unit.capabilities = ~std::uint64_t{0};
  unit.delegate = true;
  return unit;
}

TEST_F(Doctor, NamesWhatTooStrictAUnitForbids) {
  config.limits.allowed_roots = {"/srv", "/home/app"};
  config.source_repositories = {"/home/dev/project"};
  using Spoil = void (*)(UnitSettings&);
  const std::vector<std::pair<Spoil, std::string>> cases = {
      {[](UnitSettings&) {}, ""},
      {[](UnitSettings& u) { u.protect_system = "strict"; }, "unit_read_only"},
      {[](UnitSettings& u) {
         u.protect_system = "strict";
         u.writable = {"/srv/one", "/home"};
       },
       "unit_read_only"},
      {[](UnitSettings& u) { u.writable = {"-/srv/one"}; }, "unit_divides_root"},
      {[](UnitSettings& u) {
         u.protect_system = "strict";
         u.writable = {"/srv", "/home/app"};
       },
       ""},
      {[](UnitSettings& u) { u.read_only = {"/srv"}; }, "unit_read_only"},
      {[](UnitSettings& u) { u.inaccessible = {"/home"}; }, "unit_hides_repository"},
      {[](UnitSettings& u) { u.protect_home = "read-only"; }, "unit_read_only"},
      {[](UnitSettings& u) {
         u.protect_home = "yes";
         u.writable = {"/home/app"};
       },
       "unit_hides_repository"},
      {[](UnitSettings& u) { u.private_network = true; }, "unit_without_network"},
      {[](UnitSettings& u) {
         u.address_families = {true, {"AF_UNIX", "AF_INET"}};
       },
       "unit_forbids_family"},
      {[](UnitSettings& u) {
         u.address_families = {false, {"AF_NETLINK"}};
       },
       "unit_forbids_family"},
      {[](UnitSettings& u) {
         u.address_families = {true, {"AF_UNIX", "AF_INET", "AF_NETLINK"}};
       },
       ""},
      {[](UnitSettings& u) {
         u.system_calls = {false, {"renameat2:38"}};
       },
       "unit_forbids_call"},
      {[](UnitSettings& u) {
         u.system_calls = {true, {"read", "write"}};
       },
       "unit_forbids_call"},
      {[](UnitSettings& u) { u.capabilities = ~(std::uint64_t{1} << CAP_CHOWN); },
       "unit_lacks_capability"},
      {[](UnitSettings& u) { u.restart = "no"; }, "unit_not_restarted"},
      {[](UnitSettings& u) { u.kill_mode = "control-group"; }, "unit_kills_programs"},
      {[](UnitSettings& u) { u.type = "simple"; }, "unit_without_watchdog"},
      {[](UnitSettings& u) { u.delegate = false; }, "unit_without_delegation"},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    UnitSettings unit = packaged_unit();
    cases[i].first(unit);
    std::vector<std::string> reasons;
    for (const Finding& each : judge_unit(unit, config)) {
      if (each.level != Level::ok) reasons.push_back(each.reason);
    }
    if (cases[i].second.empty()) {
      EXPECT_THAT(reasons, ::testing::IsEmpty()) << "case " << i;
    } else {
      EXPECT_THAT(reasons, Contains(cases[i].second)) << "case " << i;
    }
  }
  UnitSettings recover = packaged_unit();
  EXPECT_EQ(judge_recover_unit(recover).reason, "");
  recover.file_state = "disabled";
  EXPECT_EQ(judge_recover_unit(recover).reason, "recover_not_enabled");
}

TEST_F(Doctor, ExaminesAllOfItWhateverIsWrong) {
  ConfigFlags flags;
  flags.config_file = directory + "/broken.toml";
  write(flags.config_file, "nod_id = \"web-1\"\n", 0600);
  const Findings broken = examine(flags, {});
  EXPECT_THAT(broken, Contains(Field(&Finding::reason, "invalid_config")));
  EXPECT_THAT(broken, Contains(Field(&Finding::check, "system.kernel")));
  const auto json = parse_json(to_json_text(broken));
  ASSERT_TRUE(json.ok());
  EXPECT_FALSE((*json)["ok"].get<bool>());
  EXPECT_EQ((*json)["checks"].size(), broken.size());
  EXPECT_THAT(to_table({failure("a.b", "code", "It is broken", "mend it")}),
              HasSubstr("fail  a.b  code: It is broken\n           -> mend it\n0 checks ok"));
}

TEST_F(Doctor, GivesNoReasonThatIsNotExplained) {
  const auto text_of = [](const fs::path& path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string page = text_of(source_directory() + "/docs/reasons.md");
  const std::regex given(R"re((?:failure|warning)\(\s*[a-z".]+,\s*"([a-z_]+)")re");
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(source_directory() + "/host/agent/doctor")) {
    const std::string text = text_of(entry.path());
    for (std::sregex_iterator it(text.begin(), text.end(), given), end; it != end; ++it, ++count) {
      EXPECT_NE(page.find("`" + (*it)[1].str() + "`"), std::string::npos) << (*it)[1];
    }
  }
  EXPECT_GT(count, 40u);
}

}  // namespace
}  // namespace rolesync::agent::doctor
