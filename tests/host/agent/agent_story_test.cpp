// SPDX-License-Identifier: Apache-2.0
// A whole agent in this process against a stand-in server on the real HTTP front: real plugins,
// real rsync, real git, real files.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "host/agent/agent.hpp"
#include "host/agent/credential.hpp"
#include "host/agent/identity.hpp"
#include "host/agent/source_server.hpp"
#include "host/services/process_identity.hpp"
#include "host/values/json.hpp"
#include "tests/host/agent/stand_in_server.hpp"
#include "tests/place.hpp"

namespace rolesync::agent {
namespace {

namespace fs = std::filesystem;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class AgentStory : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = "/tmp/rolesync-agent-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    fs::create_directories(directory_ + "/root");
    server_ = std::make_unique<StandInServer>(directory_ + "/server");
    server_->start();
    config_.node_id = "n1";
    config_.server_urls = {server_->url()};
    config_.state_dir = directory_ + "/state";
    config_.credential_file = directory_ + "/state/credential";
    config_.plugin_dirs = {plugins("deployer"), plugins("detector"), plugins("restart_strategy")};
    config_.drop_in_dirs = {};
    config_.plugin_host = build_directory() + "/bin/rolesync-plugin-host";
    config_.limits = {{directory_ + "/root"}, {}, true, true};
    config_.health_limit = std::chrono::seconds(10);
    role_.name = "web";
    role_.source_paths = {"web"};
    role_.target_path = directory_ + "/root/web";
    role_.deployer = "rsync_component";
    role_.detector = "path_service_port";
    role_.restart_strategy = "none";
  }
  void TearDown() override {
    agent_.reset();
    server_.reset();
    end_role_process();
    fs::remove_all(directory_);
  }
  // The process strategy's processes outlive the agent, as they should.
  void end_role_process() const {
    auto state =
        parse_json(read_file(config_.state_dir + "/plugin-state/restart_strategy.process.json"));
    if (!state || !state->contains("web")) return;
    const Json& process = (*state)["web"];
    (void)signal_process({process["pid"].get<pid_t>(), process["start_time"].get<std::uint64_t>(),
                          process["boot_id"].get<std::string>()},
                         SIGKILL);
  }

  static std::string plugins(const char* kind) { return build_directory() + "/plugins/" + kind; }
  void join_and_start() {
    Status joined = join(config_, server_->url(), "rsj.abcd.-");
    ASSERT_TRUE(joined.ok()) << joined.error().text();
    start();
  }
  void start() {
    auto agent = Agent::start(config_);
    ASSERT_TRUE(agent.ok()) << agent.error().text();
    agent_ = std::move(*agent);
  }
  // Orders a whole task and returns its last event.
  Json sync(const std::string& task, const std::string& content, bool restart = false) {
    server_->order("stage_" + task, "stage", server_->task(task, role_, content, restart));
    const Json staged = server_->event([&](const Json& event) {
      return event["task_id"] == task && (event["state"] == "staged" || event["state"] == "failed");
    });
    if (staged.is_null() || staged["state"] == "failed") return staged;
    server_->order("activate_" + task, "activate", {{"task_id", task}});
    return end_of(task);
  }
  Json end_of(const std::string& task) {
    return server_->event([&](const Json& event) {
      const std::string state = event["state"];
      return event["task_id"] == task &&
             (state == "succeeded" || state == "failed" || state == "rolled_back" ||
              state == "rollback_failed" || state == "cancelled");
    });
  }
  std::string target(const std::string& path) const { return role_.target_path + "/" + path; }
  // The next report about the role that fits.
  Json report(const StandInServer::Fits& fits, std::size_t after = 0) {
    const Json beat = server_->heartbeat(
        [&](const Json& body) {
          return body.contains("role_report") && body["role_report"].contains("web") &&
                 fits(body["role_report"]["web"]);
        },
        after);
    return beat.is_null() ? beat : beat["role_report"]["web"];
  }

  std::string directory_;
  AgentConfig config_;
  Role role_;
  std::unique_ptr<StandInServer> server_;
  std::unique_ptr<Agent> agent_;
};

TEST_F(AgentStory, JoinsOnceAndKeepsItsCredentialPrivate) {
  Status used = join(config_, server_->url(), "rsj.ffff.-");
  ASSERT_FALSE(used.ok());
  EXPECT_EQ(used.error().reason, "token_used");
  EXPECT_EQ(Agent::start(config_).error().reason, "not_joined");

  ASSERT_TRUE(join(config_, server_->url(), "rsj.abcd.-").ok());
  EXPECT_EQ(server_->joined_with(), "n1");
  EXPECT_EQ(*Credential::read(config_), "secret-of-n1");
  struct stat st {};
  ASSERT_EQ(::stat(config_.credential_file.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0600u);
}

TEST_F(AgentStory, OnlyOneAgentPerState) {
  join_and_start();
  EXPECT_EQ(Agent::start(config_).error().reason, "agent_running");
}

TEST_F(AgentStory, SendsPartsOnceAndAgainWhenAsked) {
  server_->define({role_});
  join_and_start();
  const Json first = server_->heartbeat([](const Json& body) { return body["sequence"] == 1; });
  ASSERT_FALSE(first.is_null());
  for (const char* part : {"role_report", "listening_ports", "plugins", "os_info"}) {
    EXPECT_TRUE(first.contains(part)) << part;
  }
  EXPECT_FALSE(report([](const Json& web) { return web["state"] == "not_installed"; }).is_null());
  server_->order("c1", "refresh", Json::object());
  const Json later = server_->heartbeat(
      [](const Json& body) { return body.contains("os_info_hash") && !body.contains("os_info"); });
  ASSERT_FALSE(later.is_null());
  const std::size_t before = server_->heartbeats();
  server_->want_again("os_info");
  EXPECT_FALSE(server_->heartbeat([](const Json& body) { return body.contains("os_info"); }, before)
                   .is_null());
}

TEST_F(AgentStory, BringsFilesAndProvesThem) {
  server_->define({role_});
  join_and_start();
  const std::string first = server_->content({{"index.html", "one\n"}, {"a b/c\n.js", "x"}});
  const Json end = sync("t1", first);
  ASSERT_EQ(end["state"], "succeeded") << end;
  EXPECT_EQ(end["release"]["content_id"], first);
  EXPECT_EQ(read_file(target("index.html")), "one\n");
  EXPECT_EQ(read_file(target("a b/c\n.js")), "x");
  EXPECT_FALSE(report([&](const Json& web) {
                 return web["content_id"] == first && web["drift_count"] == 0;
               }).is_null());

  // The same content again: nothing is offered.
  const int offers = server_->offers();
  EXPECT_EQ(sync("t2", first)["state"], "succeeded");
  EXPECT_EQ(server_->offers(), offers);

  // Every event once, in order, and the sequence has no gap.
  std::uint64_t expected = 1;
  for (const Json& event : server_->events()) {
    if (event["task_id"] != "t1") continue;
    EXPECT_EQ(event["sequence"], expected++);
  }
}

// What thousands of nodes send all day: seven roles, nothing new.
TEST_F(AgentStory, AQuietHeartbeatOfSevenRolesStaysUnderOneKilobyte) {
  std::vector<Role> roles;
  for (int i = 0; i < 7; ++i) {
    roles.push_back(role_);
    roles.back().name = "role-" + std::to_string(i);
    roles.back().target_path = directory_ + "/root/role-" + std::to_string(i);
    roles.back().health_check_port = 40'000 + i;
    fs::create_directories(roles.back().target_path);
  }
  server_->define(roles);
  join_and_start();
  ASSERT_FALSE(server_
                   ->heartbeat([](const Json& body) {
                     return body.contains("role_report") && body["role_report"].size() == 7;
                   })
                   .is_null());
  // Ordered to look and to say at once, though there is nothing to say.
  Json quiet;
  for (int i = 0; i < 20 && quiet.is_null(); ++i) {
    const std::size_t before = server_->heartbeats();
    server_->order("refresh_" + std::to_string(i), "refresh", Json::object());
    const Json beat = server_->heartbeat([](const Json&) { return true; }, before);
    ASSERT_FALSE(beat.is_null());
    const bool all_by_hash = beat.contains("role_report_hash") && beat.contains("plugins_hash") &&
                             beat.contains("listening_ports_hash") &&
                             beat.contains("os_info_hash") && !beat.contains("role_report_changes");
    if (all_by_hash) quiet = beat;  // with the acknowledgement of the order in it
  }
  ASSERT_FALSE(quiet.is_null()) << "there was always something to say";
  const std::size_t bytes = to_text(quiet).size();
  RecordProperty("body_bytes", static_cast<int>(bytes));
  RecordProperty("http_head_bytes", static_cast<int>(server_->head_bytes()));
  std::cout << "body " << bytes << " bytes, HTTP head " << server_->head_bytes() << " bytes\n";
  EXPECT_LT(bytes, 1024u);
}

TEST_F(AgentStory, ASmallChangeArrivesAsAPackAndADamagedPackDoesNoHarm) {
  server_->define({role_});
  join_and_start();
  std::map<std::string, std::string> files = {{"a", std::string(5000, 'a')}, {"b", "b"}};
  ASSERT_EQ(sync("t1", server_->content(files))["state"], "succeeded");
  const int offers = server_->offers();
  server_->send_packs(StandInServer::Packs::right);
  files["a"] += "more";
  files["new"] = "n";
  ASSERT_EQ(sync("t2", server_->content(files))["state"], "succeeded");
  EXPECT_EQ(server_->offers(), offers) << "nothing was left to fetch";
  EXPECT_EQ(read_file(target("a")), files["a"]);
  EXPECT_EQ(read_file(target("new")), "n");

  server_->send_packs(StandInServer::Packs::damaged);
  files["a"] += "and more";
  ASSERT_EQ(sync("t3", server_->content(files))["state"], "succeeded");
  EXPECT_EQ(server_->offers(), offers + 1);
  EXPECT_EQ(read_file(target("a")), files["a"]);

  // A file that was edited is no base; what else the pack needs comes another way.
  server_->send_packs(StandInServer::Packs::right);
  std::ofstream(target("a")) << "edited";
  files["a"] += "!";
  ASSERT_EQ(sync("t4", server_->content(files))["state"], "succeeded");
  EXPECT_EQ(server_->offers(), offers + 2);
  EXPECT_EQ(read_file(target("a")), files["a"]);
}

TEST_F(AgentStory, BreaksOffItsWaitWhenAFileIsEdited) {
  server_->define({role_});
  join_and_start();
  ASSERT_EQ(sync("t1", server_->content({{"index.html", "one\n"}, {"b", "b"}}))["state"],
            "succeeded");
  ASSERT_FALSE(report([](const Json& web) { return web["version"].is_string(); }).is_null());
  const std::size_t before = server_->heartbeats();
  std::ofstream(target("index.html")) << "edited";
  const Json drifted = report([](const Json& web) { return web["drift_count"] == 1; }, before);
  ASSERT_FALSE(drifted.is_null());
  EXPECT_EQ(drifted["drift"][0]["path"], "index.html");
  EXPECT_EQ(drifted["drift"][0]["kind"], "changed");
}

TEST_F(AgentStory, CommandsRunAndAFailedOneRollsBack) {
  role_.post_sync_cmd = {"sh", "-c", "echo $ROLESYNC_ACTION $ROLESYNC_ROLE >> ../calls; pwd"};
  server_->define({role_});
  join_and_start();
  ASSERT_EQ(sync("t1", server_->content({{"f", "one"}}))["state"], "succeeded");
  EXPECT_EQ(read_file(directory_ + "/root/calls"), "sync web\n");

  Role broken = role_;
  broken.post_sync_cmd = {"sh", "-c", "echo why it failed >&2; exit 3"};
  std::swap(role_, broken);
  const Json end = sync("t2", server_->content({{"f", "two"}, {"g", "new"}}));
  EXPECT_EQ(end["state"], "rolled_back") << end;
  EXPECT_EQ(end["reason"], "command_failed");
  EXPECT_NE(end["message"].get<std::string>().find("why it failed"), std::string::npos);
  EXPECT_EQ(read_file(target("f")), "one");
  EXPECT_FALSE(fs::exists(target("g")));
  EXPECT_EQ(read_file(directory_ + "/root/calls"), "sync web\nrollback web\n");
}

TEST_F(AgentStory, ACommandGetsWhatIsDocumentedAndNothingElse) {
  ::setenv("ROLESYNC_LEAK", "secret", 1);
  role_.post_sync_cmd = {"sh", "-c",
                         "env | cut -d= -f1 | sort | tr '\\n' ' '; ls -l /proc/self/fd/0 | "
                         "sed 's/.*> //'; ls /proc/self/fd | tr '\\n' ' '; seq 100000"};
  server_->define({role_});
  join_and_start();
  ASSERT_EQ(sync("t1", server_->content({{"f", "one"}}))["state"], "succeeded");
  const Json step = server_->event(
      [](const Json& e) { return e["step"] == "post_sync" && !e.value("output", "").empty(); });
  std::string output = step["output"];
  for (const char* of_the_shell : {"PWD ", "SHLVL ", "_ ", "OLDPWD "}) {
    if (const std::size_t at = output.find(of_the_shell); at < output.find('\n')) {
      output.erase(at, std::string(of_the_shell).size());
    }
  }
  const std::string expected =
      "HOME LANG PATH ROLESYNC_ACTION ROLESYNC_COMMIT ROLESYNC_ENCLOSURE ROLESYNC_ROLE "
      "ROLESYNC_TARGET ROLESYNC_TASK "
      "/dev/null\n0 1 2 3 1\n2\n3\n";  // 3 is the directory that ls reads
  EXPECT_EQ(output.substr(0, expected.size()), expected);
  EXPECT_NE(output.find(" bytes left out ...]"), std::string::npos);
  EXPECT_EQ(output.substr(output.size() - 13), "99999\n100000\n") << "the end is kept, too";
  EXPECT_LT(output.size(), 10'000u);
}

// Somebody who waits for a long command sees what it does.
TEST_F(AgentStory, WhatACommandWritesIsToldWhileItRuns) {
  role_.post_sync_cmd = {"sh", "-c",
                         "echo begun; until test -e ../go; do sleep 0.05; done; echo ended"};
  server_->define({role_});
  join_and_start();
  server_->order("c1", "stage", server_->task("t1", role_, server_->content({{"f", "one"}})));
  ASSERT_FALSE(server_->event([](const Json& e) { return e["state"] == "staged"; }).is_null());
  server_->order("c2", "activate", {{"task_id", "t1"}});
  const Json running = server_->event(
      [](const Json& e) { return e.value("message", "").starts_with("running for "); });
  ASSERT_FALSE(running.is_null());
  EXPECT_EQ(running["step"], "post_sync");
  EXPECT_EQ(running["output"], "begun\n");
  std::ofstream(directory_ + "/root/go") << "";
  ASSERT_EQ(end_of("t1")["state"], "succeeded");
  EXPECT_FALSE(
      server_->event([](const Json& e) { return e.value("output", "") == "begun\nended\n"; })
          .is_null());
}

// The role's limit counts when it is lower than the node's.
TEST_F(AgentStory, ACommandThatHangsIsEndedWithAllItStarted) {
  role_.post_sync_cmd = {"sh", "-c", "setsid sleep 1000 & echo $! >../stray; sleep 1000"};
  role_.command_timeout_seconds = 1;
  server_->define({role_});
  join_and_start();
  const Json end = sync("t1", server_->content({{"f", "one"}}));
  EXPECT_EQ(end["state"], "rolled_back") << end;
  EXPECT_EQ(end["reason"], "command_timeout");
  const pid_t stray = std::atoi(read_file(directory_ + "/root/stray").c_str());
  ASSERT_GT(stray, 1);
  const auto identity = identify_process(stray);
  EXPECT_FALSE(identity && running_since(*identity)) << "it left its group, but not its mark";
}

TEST_F(AgentStory, AFailedFirstInstallIsRemovedAgain) {
  role_.post_sync_cmd = {"false"};
  server_->define({role_});
  join_and_start();
  const Json end = sync("t1", server_->content({{"d/f", "one"}}));
  EXPECT_EQ(end["state"], "rolled_back") << end;
  EXPECT_FALSE(fs::exists(target("d/f")));
}

TEST_F(AgentStory, RestartsAndChecksHealth) {
  role_.restart_strategy = "process";
  role_.restart_options = {{"command", "sh run"}, {"stop_seconds", "1"}};
  server_->define({role_});
  join_and_start();
  const std::string good = server_->content({{"run", "exec sleep 1000\n"}});
  const Json end = sync("t1", good, true);
  ASSERT_EQ(end["state"], "succeeded") << end;
  EXPECT_FALSE(report([](const Json& web) {
                 return web["running"] == "current" && web["state"] == "active";
               }).is_null());

  const Json failed = sync("t2", server_->content({{"run", "sleep 0.4; exit 1\n"}}), true);
  EXPECT_EQ(failed["state"], "rolled_back") << failed;
  EXPECT_EQ(read_file(target("run")), "exec sleep 1000\n");

  // New files without a restart: what runs is older than what lies there.
  const Json pending = sync("t3", server_->content({{"run", "exec sleep 1001\n"}}), false);
  EXPECT_EQ(pending["state"], "succeeded") << pending;
  EXPECT_EQ(pending["restart_pending"], true);
  EXPECT_FALSE(report([](const Json& web) { return web["restart_pending"] == true; }).is_null());
}

TEST_F(AgentStory, RefusesWhatItsOwnConfigForbids) {
  config_.limits.commands_allowed = false;
  server_->define({role_});
  join_and_start();
  const std::string content = server_->content({{"f", "one"}});
  role_.post_sync_cmd = {"true"};
  EXPECT_EQ(sync("t1", content)["reason"], "commands_not_allowed");
  role_.post_sync_cmd.clear();
  role_.target_path = directory_ + "/elsewhere/web";
  EXPECT_EQ(sync("t2", content)["reason"], "path_not_allowed");
  EXPECT_FALSE(fs::exists(directory_ + "/elsewhere"));
  role_.target_path = directory_ + "/root/web";
  role_.deployer = "carrier_pigeon";
  EXPECT_EQ(sync("t3", content)["reason"], "plugin_missing");
}

TEST_F(AgentStory, ObeysNoStaleOrderAndActsOncePerId) {
  server_->define({role_});
  join_and_start();
  const std::string content = server_->content({{"f", "one"}});
  server_->order("c1", "stage", server_->task("t1", role_, content), 7);
  ASSERT_FALSE(server_->event([](const Json& e) { return e["state"] == "staged"; }).is_null());
  server_->order("c2", "stage", server_->task("t2", role_, content), 6);
  EXPECT_EQ(end_of("t2")["reason"], "stale_fence");

  // Nor may an older worker switch or take back what a newer one has staged.
  server_->order("c2a", "activate", {{"task_id", "t1"}}, 6);
  server_->order("c2b", "cancel", {{"task_id", "t1"}}, 5);
  const auto acknowledged = [this](const char* id) {
    return !server_
                ->heartbeat([&](const Json& body) {
                  for (const Json& each : body["acknowledged"]) {
                    if (each == id) return true;
                  }
                  return false;
                })
                .is_null();
  };
  ASSERT_TRUE(acknowledged("c2a") && acknowledged("c2b"));
  EXPECT_FALSE(fs::exists(target("f")));
  for (const Json& event : server_->events()) {
    EXPECT_FALSE(event["task_id"] == "t1" && event["state"] != "staging" &&
                 event["state"] != "staged")
        << event;
  }

  server_->order("c3", "cancel", {{"task_id", "t1"}}, 7);
  EXPECT_EQ(end_of("t1")["state"], "cancelled");
  // Offered again under an id that was obeyed already: nothing happens but the acknowledgement.
  const std::size_t before = server_->heartbeats();
  server_->order("c1", "stage", server_->task("t1", role_, content), 7);
  EXPECT_FALSE(server_
                   ->heartbeat(
                       [](const Json& body) {
                         for (const Json& id : body["acknowledged"]) {
                           if (id == "c1") return true;
                         }
                         return false;
                       },
                       before)
                   .is_null());
  server_->order("c4", "activate", {{"task_id", "t9"}}, 7);
  EXPECT_FALSE(server_->event([](const Json& e) { return e.value("reason", "") == "task_unknown"; })
                   .is_null());
  EXPECT_FALSE(fs::exists(target("f")));
}

// Killed between noting that a task is staged and saying so, an agent has to say it again, or the
// server never orders the activation; under a new number, or it is taken for a repetition.
TEST_F(AgentStory, SaysAgainThatATaskIsStagedWhenItStarts) {
  server_->define({role_});
  join_and_start();
  const std::string content = server_->content({{"f", "one"}});
  server_->order("c1", "stage", server_->task("t1", role_, content));
  const Json first = server_->event([](const Json& e) { return e["state"] == "staged"; });
  ASSERT_FALSE(first.is_null());
  Json last = first;
  for (int restart = 0; restart < 2; ++restart) {
    agent_.reset();
    start();
    const Json again = server_->event(
        [&](const Json& e) { return e["state"] == "staged" && e["sequence"] > last["sequence"]; });
    ASSERT_FALSE(again.is_null());
    last = again;
  }
}

// A task that goes on at start has the installation for itself; that is no reason to report that
// nothing is installed.
TEST_F(AgentStory, SaysWhatIsInstalledWhileAResumedTaskUsesIt) {
  server_->define({role_});
  join_and_start();
  ASSERT_EQ(sync("t1", server_->content({{"f", "one"}}))["state"], "succeeded");
  role_.post_sync_cmd = {"sh", "-c", "until test -e ../go; do sleep 0.05; done"};
  const std::string second = server_->content({{"f", "two"}});
  server_->order("c1", "stage", server_->task("t2", role_, second));
  ASSERT_FALSE(
      server_->event([](const Json& e) { return e["task_id"] == "t2" && e["state"] == "staged"; })
          .is_null());
  server_->order("c2", "activate", {{"task_id", "t2"}});
  ASSERT_FALSE(server_->event([](const Json& e) { return e["step"] == "post_sync"; }).is_null());
  agent_.reset();
  const std::size_t before = server_->heartbeats();
  start();
  const Json first = report([](const Json&) { return true; }, before);
  ASSERT_FALSE(first.is_null());
  EXPECT_EQ(first["content_id"], second);
  std::ofstream(directory_ + "/root/go") << "";
  EXPECT_EQ(end_of("t2")["state"], "succeeded");
}

TEST_F(AgentStory, ResultsWaitForTheServerAndSurviveARestart) {
  server_->define({role_});
  join_and_start();
  const std::string content = server_->content({{"f", "one"}});
  server_->order("c1", "stage", server_->task("t1", role_, content));
  ASSERT_FALSE(server_->event([](const Json& e) { return e["state"] == "staged"; }).is_null());
  server_->refuse_events(true);
  server_->order("c2", "activate", {{"task_id", "t1"}});
  // The report tells that it happened; the event cannot be delivered.
  ASSERT_FALSE(report([&](const Json& web) { return web["content_id"] == content; }).is_null());
  agent_.reset();
  server_->stop();
  server_->start();
  server_->refuse_events(false);
  start();
  EXPECT_EQ(end_of("t1")["state"], "succeeded");
  EXPECT_EQ(read_file(target("f")), "one");
}

TEST_F(AgentStory, ServesOnlyTheRepositoriesOfItsConfig) {
  const std::string repository = directory_ + "/repository";
  ASSERT_EQ(
      std::system(("cd " + directory_ + " && git init -q -b main repository && cd repository" +
                   " && git -c user.name=A -c user.email=a@b commit -q --allow-empty -m x")
                      .c_str()),
      0);
  config_.source_repositories = {repository};
  for (const std::string& other : {std::string("/etc"), directory_, repository + "/objects",
                                   std::string("repository"), repository + "-x"}) {
    EXPECT_EQ(allowed_repository(config_, other).error().reason, "repository_not_allowed") << other;
  }
  join_and_start();
  server_->order("c1", "serve_source",
                 {{"stream_id", "source_1"}, {"source", "main"}, {"repository", repository}});
  EXPECT_NE(server_->source_greeting().find(" HEAD"), std::string::npos);
}

}  // namespace
}  // namespace rolesync::agent
