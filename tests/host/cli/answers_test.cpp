// SPDX-License-Identifier: Apache-2.0
// The real program against a real HTTP front whose answers are written down here: what each answer
// of the API means for exit code, stdout and stderr. (The whole system is tested by demo_script.)
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>

#include "host/process/child.hpp"
#include "host/values/json.hpp"
#include "server/http/front.hpp"
#include "tests/place.hpp"

namespace rolesync::cli {
namespace {

using http::Policy;
using http::Request;
using http::Response;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Json job_in(const std::string& state, const std::string& task_state) {
  return {{"job_id", "job_1"},
          {"state", state},
          {"reason", ""},
          {"message", ""},
          {"counts", {{task_state, 1}}},
          {"tasks",
           {{{"task_id", "t1"},
             {"role_name", "frontend"},
             {"node_id", "node-1"},
             {"state", task_state},
             {"step", "health"},
             {"message", task_state == "succeeded" ? "" : "port 5173 does not listen"},
             {"steps", {{{"output", "Traceback\nboom\033[2J"}}}},
             {"to", {{"commit", std::string(40, 'a')}}}}}}};
}

class AnswersTest : public testing::Test {
 protected:
  AnswersTest()
      : router_([](const Request& request) -> Result<http::Principal> {
          if (request.headers.count("authorization") == 0)
            return Error{ErrorKind::unauthenticated, "token_missing", "no token was given"};
          return http::Principal{http::Principal::Kind::token, "t", "test", {"admin"}};
        }) {}

  void answer(const std::string& method, const std::string& path, int status, const Json& body) {
    const std::string text = to_text(body);
    router_.on(method, path, Policy::scope("read"), [=, this](const Request& request) {
      const std::lock_guard lock(mutex_);
      seen_.push_back(method + " " + request.path);
      body_ = request.body;
      return http::json_response(status, text);
    });
  }
  void refuse(const std::string& method, const std::string& path, const Error& error) {
    router_.on(method, path, Policy::scope("read"),
               [=](const Request&) { return http::problem(error); });
  }

  ChildResult rolesync(std::vector<std::string> arguments, bool with_token = true) {
    if (!front_) {
      front_ = std::make_unique<http::Front>(http::FrontOptions{}, router_);
      EXPECT_TRUE(front_->start().ok());
    }
    ChildSpec spec;
    spec.argv = std::move(arguments);
    spec.argv.insert(spec.argv.begin(), build_directory() + "/bin/rolesync");
    spec.environment = {{"ROLESYNC_URL", front_->url()}};
    if (with_token) spec.environment["ROLESYNC_TOKEN"] = "secret";
    auto result = run_child(spec);
    return result ? *result : ChildResult{};
  }

  http::Router router_;
  std::unique_ptr<http::Front> front_;
  std::mutex mutex_;
  std::vector<std::string> seen_;
  std::string body_;
};

TEST_F(AnswersTest, AJobsEndIsTheExitCode) {
  struct End {
    const char *job, *task;
    int code;
  };
  std::string state, task;
  router_.on("GET", "/api/sync-jobs/{id}", Policy::scope("read"), [&](const Request&) {
    return http::json_response(200, to_text(job_in(state, task)));
  });
  for (const End& end : {End{"succeeded", "succeeded", 0}, End{"partly_failed", "failed", 6},
                         End{"failed", "failed", 1}, End{"rolled_back", "rolled_back", 1},
                         End{"cancelled", "cancelled", 1}}) {
    state = end.job;
    task = end.task;
    const auto result = rolesync({"job", "watch", "job_1"});
    EXPECT_EQ(result.exit_code, end.code) << end.job;
    EXPECT_THAT(result.output, HasSubstr(end.task));
  }
}

TEST_F(AnswersTest, AJobIsFollowedToItsEnd) {
  answer("POST", "/api/code-sync/sync", 202, {{"job_id", "job_1"}, {"state", "pending"}});
  std::atomic<int> looks{0};
  router_.on("GET", "/api/sync-jobs/{id}", Policy::scope("read"), [&](const Request&) {
    static const char* const states[] = {"staging", "activating", "succeeded"};
    const int look = std::min(looks++, 2);
    return http::json_response(200,
                               to_text(job_in(look == 2 ? "succeeded" : "running", states[look])));
  });
  const auto result = rolesync({"sync", "--plan", "ph1:abc"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(body_, R"({"plan_hash":"ph1:abc"})");
  EXPECT_THAT(result.errors, HasSubstr("frontend on node-1: staging"));
  EXPECT_THAT(result.errors, HasSubstr("frontend on node-1: activating"));
  EXPECT_THAT(result.output, HasSubstr("succeeded"));
}

TEST_F(AnswersTest, FollowingEndsAfterItsTimeAndTheJobGoesOn) {
  answer("GET", "/api/sync-jobs/{id}", 200, job_in("running", "staging"));
  const auto result = rolesync({"job", "watch", "job_1", "--timeout", "1"});
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_THAT(result.errors, HasSubstr("rolesync job watch job_1"));
}

TEST_F(AnswersTest, AFailureShowsWhatTheProgramSaidHarmlessly) {
  answer("GET", "/api/sync-jobs/{id}", 200, job_in("rolled_back", "rolled_back"));
  const auto result = rolesync({"job", "show", "job_1"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.errors, HasSubstr("port 5173 does not listen"));
  EXPECT_THAT(result.errors, HasSubstr("| boom\\x1b[2J"));
}

TEST_F(AnswersTest, ProblemsBecomeExitCodesAndAdvice) {
  refuse("GET", "/api/nodes/{id}",
         {ErrorKind::not_found, "unknown_node", "there is no node x", "rolesync node list"});
  refuse("POST", "/api/code-sync/sync",
         {ErrorKind::conflict, "plan_stale", "node-1 has changed", "plan again"});
  refuse("DELETE", "/api/nodes/{id}", {ErrorKind::denied, "scope_missing", "this needs admin", ""});
  const auto missing = rolesync({"node", "show", "x"});
  EXPECT_EQ(missing.exit_code, 3);
  EXPECT_THAT(missing.errors, HasSubstr("error: there is no node x\n  -> rolesync node list\n"));
  EXPECT_EQ(rolesync({"sync", "--plan", "x"}).exit_code, 5);
  EXPECT_EQ(rolesync({"node", "remove", "x"}).exit_code, 4);
}

TEST_F(AnswersTest, WithoutATokenItSaysHowToGiveOne) {
  answer("GET", "/api/nodes", 200, {{"nodes", Json::array()}});
  const auto result = rolesync({"node", "list"}, false);
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_THAT(result.errors, HasSubstr("ROLESYNC_TOKEN"));
}

TEST_F(AnswersTest, JsonIsTheApisOwnObjectAndWordsStayAway) {
  answer("GET", "/api/nodes", 200, {{"nodes", Json::array()}, {"unknown_to_us", 7}});
  const auto result = rolesync({"node", "list", "-o", "json"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(*parse_json(result.output), (Json{{"nodes", Json::array()}, {"unknown_to_us", 7}}));
  EXPECT_THAT(result.errors, IsEmpty());
}

TEST_F(AnswersTest, SomethingElseThatAnswersIsNamed) {
  router_.on("GET", "/api/status", Policy::scope("read"), [](const Request&) {
    return Response{200, {{"Content-Type", "text/html"}}, "<html>"};
  });
  const auto result = rolesync({"status"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("did not answer with JSON"));
}

TEST_F(AnswersTest, AssigningChangesOnlyWhatWasSaid) {
  answer("GET", "/api/nodes/{id}/roles", 200, {{"assigned", {"backend", "frontend"}}});
  answer("PUT", "/api/nodes/{id}/roles", 200, {{"assigned", {"frontend", "docs"}}});
  EXPECT_EQ(rolesync({"node", "assign", "n1", "docs", "frontend"}).exit_code, 0);
  EXPECT_EQ(body_, R"({"roles":["backend","docs","frontend"]})");
  EXPECT_EQ(rolesync({"node", "unassign", "n1", "backend"}).exit_code, 0);
  EXPECT_EQ(body_, R"({"roles":["frontend"]})");
}

TEST_F(AnswersTest, StatusCheckDiffersByWhatItFinds) {
  Json cell = {{"role_name", "frontend"},
               {"node_id", "node-1"},
               {"state", "active"},
               {"health", "healthy"},
               {"running", "current"},
               {"version", {{"state", "current"}, {"commit", std::string(40, 'a')}}}};
  std::string text;
  router_.on("GET", "/api/status", Policy::scope("read"),
             [&](const Request&) { return http::json_response(200, text); });
  text = to_text({{"cells", {cell}}});
  EXPECT_EQ(rolesync({"status", "--check"}).exit_code, 0);
  cell["running"] = "restart_pending";
  text = to_text({{"cells", {cell}}});
  EXPECT_EQ(rolesync({"status", "--check"}).exit_code, 1);
  EXPECT_EQ(rolesync({"status"}).exit_code, 0);
  EXPECT_EQ(rolesync({"status", "--check", "--role", "backend"}).exit_code, 0);
  cell["version"]["state"] = "drifted";
  cell["drift"] = {{{"path", "index.html"}, {"kind", "changed"}}};
  cell["drift_count"] = 3;
  text = to_text({{"cells", {cell}}});
  EXPECT_THAT(rolesync({"status"}).output, HasSubstr("index.html changed and 2 more"));
}

// The hook's key goes into a private file of a real repository, and nowhere else.
TEST_F(AnswersTest, InstallsTheHookTheServerSends) {
  std::string pattern = testing::TempDir() + "rolesync-answers.XXXXXX";
  ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
  const std::string repository = std::filesystem::canonical(pattern);
  ChildSpec git;
  git.argv = {"git", "init", "--quiet", repository};
  git.environment = {{"PATH", "/usr/bin:/bin"}, {"GIT_CONFIG_GLOBAL", "/dev/null"}};
  ASSERT_TRUE(run_child(git)->succeeded());
  answer("POST", "/api/code-source/hook", 201,
         {{"script", "#!/bin/sh\n# keeps x.before-rolesync\n"},
          {"key", "k3y"},
          {"hooks", {"post-commit"}}});
  const auto result = rolesync({"source", "install-hook", "--repository", repository});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ((*parse_json(body_))["key_file"], repository + "/.git/hooks/rolesync.key");
  EXPECT_TRUE(std::filesystem::exists(repository + "/.git/hooks/post-commit"));
  EXPECT_EQ((result.output + result.errors).find("k3y"), std::string::npos);
  // No repository: no new key is made, so that the old one goes on working.
  seen_.clear();
  EXPECT_EQ(rolesync({"source", "install-hook", "--repository", "/nonexistent"}).exit_code, 3);
  EXPECT_THAT(seen_, IsEmpty());
  std::filesystem::remove_all(repository);
}

}  // namespace
}  // namespace rolesync::cli
