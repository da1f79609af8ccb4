// SPDX-License-Identifier: Apache-2.0
// From a plan to the end of its job, with a simulated agent: commands, offers, stale plans,
// idempotency, cancelling, and a server that goes away in between.
#include <gtest/gtest.h>

#include "host/activation/pack.hpp"
#include "server/store/nodes.hpp"
#include "server/store/store.hpp"
#include "simulated_agent.hpp"

namespace rolesync {
namespace {

class SyncApi : public ::testing::Test {
 protected:
  void SetUp() override {
    first_commit = server.commit({{"web/index.html", "one"}, {"web/style.css", "two"}});
    server.put(
        "/api/roles/web",
        {{"source_paths", {"web"}}, {"target_path", "/srv/web"}, {"restart_strategy", "none"}});
    server.put("/api/code-source",
               {{"transport", "file"}, {"repository", server.repository().string()}});
    agent.report = {{"web", {{"path_exists", false}, {"state", "not_installed"}}}};
    agent.beat();
    server.put("/api/nodes/n1/roles", {{"roles", {"web"}}});
    pull();
  }
  void pull() { ASSERT_EQ(server.post("/api/code-sync/pull", Json::object()).status, 200); }
  Json plan() {
    const Reply made = server.post("/api/code-sync/plan", {{"roles", {"web"}}});
    EXPECT_EQ(made.status, 200) << made.body;
    return made.body;
  }
  Reply run(const std::string& hash, std::map<std::string, std::string> headers = {}) {
    return server.request("POST", "/api/code-sync/sync", {{"plan_hash", hash}}, "",
                          std::move(headers));
  }
  Json job(const Json& id) { return server.get("/api/sync-jobs/" + id.get<std::string>()).body; }
  std::string version_state() {
    return server.get("/api/status").body.at("cells").at(0).at("version").at("state");
  }
  RunningServer server;
  SimulatedAgent agent{server, "n1"};
  std::string first_commit;
};

TEST_F(SyncApi, APlanBecomesAJobThatSucceeds) {
  EXPECT_EQ(version_state(), "outdated");
  const Json planned = plan();
  const Json& row = planned.at("rows").at(0);
  EXPECT_EQ(row.at("change"), "content") << row;
  EXPECT_EQ(row.at("files_added"), 2);
  EXPECT_EQ(row.at("to").at("commit"), first_commit);
  EXPECT_EQ(planned.at("blocked"), 0) << row;
  const Reply started = run(planned.at("plan_hash"));
  ASSERT_EQ(started.status, 202) << started.body;
  EXPECT_EQ(started.headers.at("location"),
            "/api/sync-jobs/" + started.body.at("job_id").get<std::string>());
  agent.finish_task("web");
  const Json done = job(started.body.at("job_id"));
  EXPECT_EQ(done.at("state"), "succeeded") << done;
  EXPECT_EQ(done.at("tasks").at(0).at("steps").size(), 3u);
  EXPECT_EQ(version_state(), "current");
  EXPECT_EQ(plan().at("changes"), 0);
  EXPECT_EQ(server.get("/api/nodes/n1").body.at("role_versions").at("web"), first_commit);

  server.stop();
  const auto store = server.open_store();
  const auto releases = store->read([](store::Session& s) { return store::current_releases(s); });
  ASSERT_EQ(releases->size(), 1u);
  EXPECT_EQ(releases->at(0).commit, first_commit);
  EXPECT_EQ(releases->at(0).task_id, done.at("tasks").at(0).at("task_id"));
  EXPECT_NE(releases->at(0).role_snapshot.find("/srv/web"), std::string::npos);
}

TEST_F(SyncApi, WhatATaskLeftOnTheDiskCountsEvenWhenTheJobGaveItUp) {
  const Json id = run(plan().at("plan_hash")).body.at("job_id");
  const Json stage = agent.command("stage");
  server.post("/api/sync-jobs/" + id.get<std::string>() + "/cancel", Json::object());
  const Json& task = stage.at("payload");
  agent.event(stage, 5, "succeeded",
              {{"release",
                {{"version", first_commit},
                 {"content_id", task.at("content_id")},
                 {"role_revision", task.at("role_revision")}}}});
  EXPECT_EQ(job(id).at("state"), "cancelled");
  EXPECT_EQ(version_state(), "current");
}

TEST_F(SyncApi, ACommandIsOfferedUntilAcknowledged) {
  run(plan().at("plan_hash"));
  const Json stage = agent.command("stage");
  EXPECT_EQ(agent.command("stage").at("id"), stage.at("id"));
  agent.acknowledged = {stage.at("id")};
  EXPECT_EQ(agent.beat().status, 204);
  EXPECT_EQ(agent.beat().status, 204);
}

TEST_F(SyncApi, AnAgentGetsItsManifestAndAnOfferOfItsOwnBlobsOnly) {
  run(plan().at("plan_hash"));
  const Json task = agent.command("stage").at("payload");
  const std::string content = "/tasks/" + task.at("task_id").get<std::string>() + "/content";
  EXPECT_EQ(agent.request("GET", "/api/nodes/n1" + content).status, 200);
  SimulatedAgent other(server, "n2");
  EXPECT_EQ(other.request("GET", "/api/nodes/n2" + content).reason(), "unknown_task");
  EXPECT_EQ(other.request("GET", "/api/nodes/n1" + content).status, 403);

  const auto offer = [&](SimulatedAgent& who, const std::string& blob) {
    return who.request("POST", "/api/nodes/" + who.node + "/offers",
                       {{"task_id", task.at("task_id")}, {"want", {blob}}});
  };
  const std::string blob = server.git({"rev-parse", "HEAD:web/index.html"});
  const Reply made = offer(agent, blob);
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.body.at("files"), 1);
  EXPECT_EQ(made.body.at("bytes"), 3);
  EXPECT_EQ(offer(agent, std::string(40, '0')).reason(), "blob_not_in_content");
  EXPECT_EQ(offer(other, blob).reason(), "unknown_task");

  auto stranger = HttpClient::create({server.url(), "", ""}, other.credential);
  const std::string id = made.body.at("offer_id");
  EXPECT_FALSE((*stranger)->open_stream("/api/nodes/n2/streams/" + id).ok());
  auto client = HttpClient::create({server.url(), "", ""}, agent.credential);
  EXPECT_TRUE((*client)->open_stream("/api/nodes/n1/streams/" + id).ok());
  EXPECT_FALSE((*client)->open_stream("/api/nodes/n1/streams/" + id).ok());  // good once
}

TEST_F(SyncApi, AnAgentGetsTheUpdateFromWhatItHas) {
  run(plan().at("plan_hash"));
  agent.finish_task("web");
  server.commit({{"web/index.html", "one more"}});
  pull();
  run(plan().at("plan_hash"));
  const Json task = agent.command("stage").at("payload");
  const std::string path =
      "/api/nodes/n1/tasks/" + task.at("task_id").get<std::string>() + "/content";
  auto client = HttpClient::create({server.url(), "", ""}, agent.credential);
  const auto get = [&](const std::string& from) {
    HttpRequest request;
    request.path = path + from;
    return *(*client)->send(request);
  };
  const std::string from = task.at("from_content_id");
  const HttpAnswer update = get("?from=" + from);
  EXPECT_EQ(update.headers.at("content-type"), update_type);
  const auto parts = read_update(update.body);
  ASSERT_TRUE(parts.ok());
  EXPECT_EQ(*open_pack("one", parts->pack, 8), "one more");
  // A content that this node does not have is not told by the way from it.
  for (const char* other : {"", "?from=rs1:other"}) {
    const HttpAnswer whole = get(other);
    EXPECT_EQ(whole.headers.at("content-type"), "application/octet-stream");
    EXPECT_EQ(Manifest::parse(whole.body)->content_id(), task.at("content_id"));
  }
}

TEST_F(SyncApi, TaskEventsMayTravelInAHeartbeat) {
  const Json id = run(plan().at("plan_hash")).body.at("job_id");
  const Json stage = agent.command("stage");
  const Json staged = {{"task_id", stage.at("payload").at("task_id")},
                       {"fence", stage.at("fence")},
                       {"sequence", 1},
                       {"state", "staged"}};
  agent.acknowledged = {stage.at("id")};
  const auto beat = [&](const Json& events) {
    return agent.request("POST", "/api/nodes/n1/heartbeat?wait=30",
                         {{"sequence", 100},
                          {"boot_id", agent.boot_id},
                          {"definitions_etag", agent.definitions_etag},
                          {"acknowledged", agent.acknowledged},
                          {"task_events", events}});
  };
  Json broken = staged;
  broken["state"] = "unheard of";
  EXPECT_EQ(beat(Json::array({broken})).reason(), "invalid_task_event");
  const Reply answered =
      beat(Json::array({staged, staged}));  // at once, because the activation is due now
  ASSERT_EQ(answered.status, 200) << answered.body;
  EXPECT_EQ(answered.body.at("commands").at(0).at("kind"), "activate");
  EXPECT_EQ(job(id).at("tasks").at(0).at("steps").size(), 1u);
}

TEST_F(SyncApi, AStalePlanIsRefusedAndSaysWhatChanged) {
  const std::string hash = plan().at("plan_hash");
  server.put(
      "/api/roles/web",
      {{"source_paths", {"web"}}, {"target_path", "/srv/elsewhere"}, {"restart_strategy", "none"}});
  const Reply refused = run(hash);
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.reason(), "plan_stale");
  EXPECT_NE(refused.body.at("detail").get<std::string>().find("definition"), std::string::npos);
  EXPECT_TRUE(server.get("/api/sync-jobs").body.at("jobs").empty());
}

TEST_F(SyncApi, ANewerCommitDoesNotMakeAPlanStale) {
  const Json planned = plan();
  server.commit({{"web/index.html", "newer"}});
  pull();
  EXPECT_NE(plan().at("plan_hash"), planned.at("plan_hash"));
  const Reply started = run(planned.at("plan_hash"));
  ASSERT_EQ(started.status, 202) << started.body;
  EXPECT_EQ(agent.command("stage").at("payload").at("commit"), first_commit);
}

TEST_F(SyncApi, AKeyStartsOneJob) {
  const std::string hash = plan().at("plan_hash");
  const Reply first = run(hash, {{"Idempotency-Key", "k"}});
  const Reply second = run(hash, {{"Idempotency-Key", "k"}});
  EXPECT_EQ(first.status, 202);
  EXPECT_EQ(second.status, 202);
  EXPECT_EQ(first.body, second.body);
  EXPECT_EQ(server.get("/api/sync-jobs").body.at("jobs").size(), 1u);
  EXPECT_EQ(run(hash).reason(), "sync_in_progress");
}

TEST_F(SyncApi, TheShortCallPlansAndApproves) {
  EXPECT_EQ(server.post("/api/code-sync/roles/web/sync", Json::object()).reason(),
            "approval_missing");
  const std::string sync_only = server.new_token({"sync", "read"});
  EXPECT_EQ(server.request("POST", "/api/code-sync/roles/web/sync", {{"approve", true}}, sync_only)
                .reason(),
            "scope_missing");
  EXPECT_EQ(server
                .post("/api/code-sync/roles/web/sync",
                      {{"plan_hash", plan().at("plan_hash")}, {"nodes", {"n1"}}})
                .reason(),
            "invalid_body");
  const Reply started = server.post("/api/code-sync/roles/web/sync", {{"approve", true}});
  ASSERT_EQ(started.status, 202) << started.body;
  agent.finish_task("web");
  EXPECT_EQ(job(started.body.at("job_id")).at("state"), "succeeded");
  const Reply nothing = server.post("/api/code-sync/roles/web/sync", {{"approve", true}});
  EXPECT_EQ(job(nothing.body.at("job_id")).at("reason"), "nothing_to_do");
}

TEST_F(SyncApi, AFailureWhileStagingEndsTheJobWithItsCause) {
  const Json id = run(plan().at("plan_hash")).body.at("job_id");
  const Json stage = agent.command("stage");
  agent.event(stage, 1, "failed", {{"reason", "disk_full"}, {"message", "no space on /srv"}});
  const Json ended = job(id);
  EXPECT_EQ(ended.at("state"), "failed");
  EXPECT_EQ(ended.at("reason"), "disk_full");
  // The same event again, and one that comes late, change nothing.
  EXPECT_EQ(agent.event(stage, 1, "failed").status, 200);
  EXPECT_EQ(agent.event(stage, 2, "staged").status, 200);
  EXPECT_EQ(job(id).at("state"), "failed");
}

TEST_F(SyncApi, TaskEventsOfAnotherNodeAreRefused) {
  const Json id = run(plan().at("plan_hash")).body.at("job_id");
  const Json stage = agent.command("stage");
  SimulatedAgent other(server, "n2");
  EXPECT_EQ(other.event(stage, 1, "succeeded").reason(), "task_of_other_node");
  Json stale = stage;
  stale["fence"] = 0;
  EXPECT_EQ(agent.event(stale, 1, "succeeded").status, 200);  // taken note of, without effect
  EXPECT_EQ(job(id).at("state"), "running");
}

TEST_F(SyncApi, CancellingTellsTheNode) {
  const Json id = run(plan().at("plan_hash")).body.at("job_id");
  const Json stage = agent.command("stage");
  agent.acknowledged = {stage.at("id")};
  EXPECT_EQ(
      server.post("/api/sync-jobs/" + id.get<std::string>() + "/cancel", Json::object()).status,
      202);
  EXPECT_EQ(agent.command("cancel").at("payload").at("task_id"), stage.at("payload").at("task_id"));
  EXPECT_EQ(job(id).at("state"), "cancelled");
}

TEST_F(SyncApi, ARestartedServerGoesOnWithTheJob) {
  const Json id = run(plan().at("plan_hash")).body.at("job_id");
  const Json stage = agent.command("stage");
  server.stop();
  server.start();
  EXPECT_EQ(agent.command("stage").at("id"), stage.at("id"));
  agent.finish_task("web");
  EXPECT_EQ(job(id).at("state"), "succeeded");
}

TEST(SyncDeadline, ANodeThatIsGoneEndsItsTask) {
  RunningServer server([](ServerConfig& config) { config.node_gone_seconds = 1; });
  server.commit({{"web/a", "1"}});
  server.put(
      "/api/roles/web",
      {{"source_paths", {"web"}}, {"target_path", "/srv/web"}, {"restart_strategy", "none"}});
  server.put("/api/code-source",
             {{"transport", "file"}, {"repository", server.repository().string()}});
  SimulatedAgent agent(server, "n1");
  agent.beat();
  server.put("/api/nodes/n1/roles", {{"roles", {"web"}}});
  server.post("/api/code-sync/pull", Json::object());
  const Json id =
      server.post("/api/code-sync/roles/web/sync", {{"approve", true}}).body.at("job_id");
  Json job;
  EXPECT_TRUE(eventually([&] {
    job = server.get("/api/sync-jobs/" + id.get<std::string>()).body;
    return job.at("state") == "failed";
  }));
  EXPECT_EQ(job.at("reason"), "node_gone");
  // Nothing is left for it to do when it comes back, but to forget.
  for (const Json& command : agent.beat().body.value("commands", Json::array())) {
    EXPECT_EQ(command.at("kind"), "cancel");
  }
}

}  // namespace
}  // namespace rolesync
