// SPDX-License-Identifier: Apache-2.0
// The process strategy with programs that behave badly, under the real services of a node.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/plugin/registry.hpp"
#include "host/process/unique_fd.hpp"
#include "host/services/node_services.hpp"
#include "host/services/plugin_state.hpp"
#include "host/services/process_identity.hpp"
#include "tests/place.hpp"

namespace rolesync::plugin {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

class HostileProcess : public testing::Test {
 protected:
  HostileProcess() {
    std::string name = fs::temp_directory_path() / "rolesync-hostile-XXXXXX";
    root_ = ::mkdtemp(name.data());
    fs::create_directories(root_ / "plugins/restart_strategy");
    const fs::path copy = root_ / "plugins/restart_strategy/process.so";
    fs::copy(fs::path(build_directory()) / "plugins/restart_strategy/process.so", copy);
    fs::permissions(copy, fs::perms::group_write | fs::perms::others_write,
                    fs::perm_options::remove);
    RegistryOptions options;
    options.packaged_directories.push_back(root_ / "plugins");
    options.private_directory = root_ / "private";
    options.plugin_host_program = fs::path(build_directory()) / "bin/rolesync-plugin-host";
    registry_ = std::make_unique<Registry>(std::move(options));
  }
  ~HostileProcess() override {
    (void)call("stop");
    fs::remove_all(root_);
  }

  Result<Json> call(const std::string& method) {
    rolesync::PluginState state(root_ / "state");
    NodeServicesOptions services;
    services.plugin = "restart_strategy.process";
    services.state = &state;
    services.ports = &kernel_ports_;
    services.programs = programs_;
    services.directory = root_;
    services.log_root = root_ / "logs";
    services.private_root = root_ / "calls";
    NodeServices with(std::move(services));
    Json role = {{"role_name", "web"}, {"target_path", root_.string()}};
    if (port_ > 0) role["health_check_port"] = port_;
    return registry_->call("restart_strategy", "process", method,
                           {{"role", role}, {"options", options_}},
                           {.time_limit = seconds(60), .services = &with});
  }
  std::string refusal(const std::string& command) {
    options_["command"] = command;
    const Result<Json> started = call("start");
    return started ? "started: " + started->dump() : started.error().reason;
  }
  std::string shell(const std::string& script) const { return Json({"sh", "-c", script}).dump(); }
  // The record of the plugin as it is on the disk.
  Json record() const {
    std::ifstream in(root_ / "state/restart_strategy.process.json");
    return Json::parse(in, nullptr, false);
  }
  void change_record(const std::string& key, const Json& value) const {
    Json state = record();
    state["web"][key] = value;
    std::ofstream(root_ / "state/restart_strategy.process.json") << state;
  }
  std::vector<pid_t> marked() const { return processes_marked(record()["web"].value("mark", "")); }

  class AllPorts : public Ports {
   public:
    Result<std::vector<ListeningPort>> scan() override { return real_->scan(); }

   private:
    std::unique_ptr<Ports> real_ = kernel_ports();
  };
  fs::path root_;
  std::unique_ptr<Registry> registry_;
  AllPorts kernel_ports_;
  Result<RunAs> programs_ = RunAs{};
  Json options_ = {{"stop_seconds", "1"}};
  int port_ = 0;
};

TEST_F(HostileProcess, WhatCannotStartSaysWhy) {
  std::ofstream(root_ / "text") << "no program\n";
  EXPECT_EQ(refusal("no-such-program-here"), "program_missing");
  EXPECT_EQ(refusal("/nowhere/program"), "program_missing");
  EXPECT_EQ(refusal("./text"), "program_not_executable");
  EXPECT_EQ(refusal(root_.string()), "program_not_executable");
  EXPECT_EQ(refusal("'open"), "invalid_command");
  EXPECT_EQ(refusal(shell("exit 1")), "process_ended_at_once");
  EXPECT_EQ(refusal(shell("sleep 0.5; exit 1")), "process_ended_at_once");
  programs_ = Error{ErrorKind::failed, "unknown_owner", "there is no such user"};
  EXPECT_EQ(refusal("sleep 1000"), "unknown_owner");
  programs_ = RunAs{};
  options_["directory"] = "/nowhere";
  EXPECT_EQ(refusal("sleep 1000"), "spawn_failed");
}

TEST_F(HostileProcess, OneThatGoesIntoTheBackgroundIsEndedWithAllItsProcesses) {
  for (const char* script : {"sleep 1000 & exit 0", "setsid sleep 1000 & sleep 0.2; exit 0"}) {
    EXPECT_EQ(refusal(shell(script)), "process_forked") << script;
    EXPECT_TRUE(marked().empty() || (::usleep(200'000), marked().empty())) << script;
  }
}

TEST_F(HostileProcess, WhatIsLeftBehindIsSeenAndEndedWithTheRest) {
  options_["settle_seconds"] = "0";
  options_["command"] =
      shell("setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' & sleep 1000");
  ASSERT_TRUE(call("start").ok());
  const auto until = std::chrono::steady_clock::now() + seconds(30);
  while (marked().size() < 3 && std::chrono::steady_clock::now() < until) ::usleep(10'000);
  ::kill(record()["web"]["pid"].get<pid_t>(), SIGKILL);
  while (call("status")->at("state") == "running") ::usleep(10'000);
  const Json status = *call("status");
  EXPECT_EQ(status.at("state"), "failed");
  EXPECT_EQ(status.at("reason"), "process_forked") << status;
  const std::string mark = record()["web"]["mark"];
  EXPECT_EQ(call("stop")->at("state"), "stopped");
  EXPECT_TRUE(processes_marked(mark).empty());
}

TEST_F(HostileProcess, OneThatIgnoresTermIsKilledAfterItsGrace) {
  options_["command"] = shell("trap '' TERM; touch ready; while :; do sleep 1000; done");
  ASSERT_TRUE(call("start").ok());
  const auto until = std::chrono::steady_clock::now() + seconds(30);
  while (!fs::exists(root_ / "ready") && std::chrono::steady_clock::now() < until) {
    ::usleep(10'000);
  }
  const std::string mark = record()["web"]["mark"];
  EXPECT_EQ(call("stop")->at("state"), "stopped");
  EXPECT_TRUE(processes_marked(mark).empty());
}

TEST_F(HostileProcess, AReusedPidOrAnotherBootIsNotTheProcess) {
  options_["command"] = "sleep 1000";
  ASSERT_TRUE(call("start").ok());
  const Json mine = record()["web"];
  const ProcessIdentity process{mine["pid"].get<pid_t>(), mine["start_time"].get<std::uint64_t>(),
                                mine["boot_id"].get<std::string>()};
  // As if the pid belonged to a process that was started later, and one of another boot.
  change_record("mark", "");
  change_record("start_time", mine["start_time"].get<std::int64_t>() - 1);
  EXPECT_EQ(call("status")->at("state"), "failed");
  EXPECT_EQ(call("stop")->at("state"), "stopped");
  EXPECT_TRUE(running_since(process)) << "somebody else's process was ended";
  ASSERT_TRUE(call("start").ok());
  change_record("mark", "");
  change_record("boot_id", "another");
  const Json status = *call("status");
  EXPECT_EQ(status.at("state"), "stopped");
  EXPECT_EQ(status.at("reason"), "process_gone_at_boot");
  const Json second = record()["web"];
  ::kill(second["pid"].get<pid_t>(), SIGKILL);
  EXPECT_EQ(call("start")->at("state"), "running") << "a stale record is in nobody's way";
  ::kill(process.pid, SIGKILL);
}

TEST_F(HostileProcess, ADamagedRecordIsNoProcess) {
  fs::create_directories(root_ / "state");
  std::ofstream(root_ / "state/restart_strategy.process.json") << R"({"web": {"pid": "x"}})";
  EXPECT_EQ(call("status")->at("state"), "stopped");
  options_["command"] = "sleep 1000";
  EXPECT_EQ(call("start")->at("state"), "running");
}

TEST_F(HostileProcess, AFloodOfOutputStaysBounded) {
  options_["command"] = shell("head -c 30000000 /dev/zero; touch flooded; exec sleep 1000");
  ASSERT_TRUE(call("start").ok());
  const auto until = std::chrono::steady_clock::now() + seconds(60);
  while (!fs::exists(root_ / "flooded") && std::chrono::steady_clock::now() < until) {
    ::usleep(10'000);
  }
  ASSERT_TRUE(call("status").ok());
  constexpr std::uintmax_t limit = 10 << 20;
  EXPECT_LE(fs::file_size(root_ / "logs/web.log"), limit);
  EXPECT_EQ(fs::file_size(root_ / "logs/web.log.1"), limit);
  EXPECT_EQ(call("status")->at("state"), "running");
}

TEST_F(HostileProcess, APortThatIsTakenIsNamed) {
  UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(socket.get(), 1), 0);
  socklen_t size = sizeof address;
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  options_["command"] = shell("exit 98");
  const Result<Json> started = call("start");
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().reason, "port_taken");
  EXPECT_NE(started.error().message.find(std::to_string(port_)), std::string::npos);
}

}  // namespace
}  // namespace rolesync::plugin
