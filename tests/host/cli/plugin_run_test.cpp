// SPDX-License-Identifier: Apache-2.0
// `rolesync plugin run` and `docs` with the real program, the examples, and plugins that misbehave.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "host/process/child.hpp"
#include "host/values/hash.hpp"
#include "host/values/json.hpp"
#include "tests/place.hpp"

namespace rolesync::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class PluginRun : public testing::Test {
 protected:
  PluginRun() {
    std::string name = fs::temp_directory_path() / "rolesync-run-test-XXXXXX";
    root_ = ::mkdtemp(name.data());
  }
  ~PluginRun() override { fs::remove_all(root_); }

  static std::string example(const std::string& id) {
    return build_directory() + "/examples/" + id + ".so";
  }
  static std::string bad(const std::string& id) {
    return build_directory() + "/tests/bad_plugins/" + id + ".so";
  }
  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(root_ / name) << text;
    return root_ / name;
  }

  ChildResult plugin(std::vector<std::string> arguments) {
    ChildSpec spec;
    spec.argv = {build_directory() + "/bin/rolesync", "plugin"};
    spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
    spec.directory = root_;
    spec.environment = {{"PATH", "/usr/local/bin:/usr/bin:/bin"}};
    auto result = run_child(spec);
    return result ? *result : ChildResult{};
  }
  Json run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "run");
    const ChildResult result = plugin(std::move(arguments));
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    const auto answer = parse_json(result.output);
    return answer ? *answer : Json();
  }
  void expect_refused(std::vector<std::string> arguments, int exit_code, const std::string& word) {
    arguments.insert(arguments.begin(), "run");
    const ChildResult result = plugin(std::move(arguments));
    EXPECT_EQ(result.exit_code, exit_code) << result.errors;
    EXPECT_THAT(result.errors, HasSubstr(word));
    EXPECT_THAT(result.errors, HasSubstr("error: "));
    EXPECT_THAT(result.output, IsEmpty());
  }

  fs::path root_;
};

TEST_F(PluginRun, ARoleSaysItsFields) {
  for (const char* where : {"--quiet", "--in-process"}) {
    const Json spec = run({example("web-shop"), "spec", where});
    EXPECT_EQ(spec["role_name"], "web-shop");
    EXPECT_EQ(spec["target_path"], "/srv/shop");
  }
}

TEST_F(PluginRun, ADetectorGetsFactsFromAFile) {
  const std::string role = write("role.json", R"({"role_name": "shop", "source_paths": ["shop"],
                                                  "target_path": ")" +
                                                  root_.string() + R"("})");
  const std::string away = write("facts.json", R"({"path_exists": false})");
  EXPECT_EQ(run({example("alive_file"), "detect", "--role", role, "--facts", away})["state"],
            "not_installed");
  EXPECT_EQ(run({example("alive_file"), "detect", "--role", role})["state"], "inactive")
      << "measured: the target is there";
  write("alive", "");
  EXPECT_EQ(run({example("alive_file"), "detect", "--role", role})["health"], "healthy");
}

TEST_F(PluginRun, AStrategyRunsRealPrograms) {
  const std::string command = build_directory() + "/plugins/restart_strategy/command.so";
  const std::string role = write("role.json", R"({"role_name": "shop", "source_paths": ["shop"],
                                                  "target_path": ")" +
                                                  root_.string() + R"("})");
  const std::string options = write("options.json", R"({"start": "touch started",
      "stop": "rm started", "status": "sh -c 'test -e started || exit 3'"})");
  const auto call = [&](const char* method) {
    return run({command, method, "--role", role, "--options", options});
  };
  EXPECT_EQ(call("status")["state"], "stopped");
  EXPECT_EQ(call("start")["state"], "running");
  EXPECT_TRUE(fs::exists(root_ / "started")) << "it runs in the role's target";
  EXPECT_EQ(call("stop")["state"], "stopped");
  expect_refused(
      {example("runit"), "status", "--options", write("bad.json", R"({"wait_seconds": 500})")}, 2,
      "/wait_seconds");
}

TEST_F(PluginRun, BothHalvesOfADeployer) {
  fs::create_directory(root_ / "site");
  std::ofstream(root_ / "site/index.html") << "hello\n";
  std::ofstream(root_ / "site/copy.html") << "hello\n";
  std::ofstream(root_ / "site/empty").close();
  const Json moved =
      run({example("tar_stream"), "fetch", "--directory", "site", "--staging", "in"});
  EXPECT_EQ(moved["files"], 2) << "equal files are one blob";
  EXPECT_EQ(moved["serving"], "ok");
  EXPECT_TRUE(fs::exists(root_ / "in" / git_blob_id("hello\n")));
  expect_refused({example("tar_stream"), "fetch", "--directory", "site", "--staging", "in"}, 5,
                 "not an empty directory");
  expect_refused({example("tar_stream"), "fetch", "--directory", "nowhere"}, 3, "nowhere");
  expect_refused({example("tar_stream"), "fetch"}, 2, "--directory");
}

TEST_F(PluginRun, AllThatComesWithUsMovesBytesToo) {
  fs::create_directory(root_ / "site");
  std::ofstream(root_ / "site/index.html") << std::string(100'000, 'x');
  const std::string deployer = build_directory() + "/plugins/deployer/rsync_component.so";
  EXPECT_EQ(run({deployer, "fetch", "--directory", "site"})["files"], 1);
}

TEST_F(PluginRun, WhatIsWrongIsSaid) {
  expect_refused({"nowhere.so", "spec"}, 3, "nowhere.so");
  expect_refused({write("text.so", "hello"), "spec"}, 2, "no ELF library");
  expect_refused({example("web-shop"), "fly"}, 1, "call spec");
  expect_refused({example("web-shop"), "spec", "--kind", "detector"}, 3, "role web-shop");
  expect_refused({example("web-shop"), "spec", "--facts", "f.json"}, 2, "--facts");
  expect_refused({example("alive_file"), "detect", "--facts", "f.json"}, 3, "f.json");
  expect_refused({example("alive_file"), "detect", "--facts", write("f.json", "{]")}, 2, "f.json");
  expect_refused({example("alive_file"), "detect", "--facts", write("g.json", R"({"path": 1})")}, 2,
                 "/path is not a fact");
  expect_refused(
      {example("alive_file"), "detect", "--role", write("r.json", R"({"role_name": 1})")}, 2,
      "/role_name");
  expect_refused({example("alive_file"), "detect", "--input", write("i.json", "{}")}, 2,
                 "must be an object");
}

TEST_F(PluginRun, ABadPluginIsNamedAndTheProgramSurvives) {
  expect_refused({bad("crashes_in_call"), "detect"}, 1, "signal");
  expect_refused({bad("hangs_in_call"), "detect", "--timeout", "1"}, 7, "did not answer in time");
  expect_refused({bad("aborts_at_load"), "detect"}, 1, "ended the process");
  expect_refused({bad("future_abi"), "detect"}, 2, "rebuild it");
}

// Its answer is data; what it logs and prints is not.
TEST_F(PluginRun, OnlyTheAnswerIsOnStdout) {
  for (const bool inside : {false, true}) {
    std::vector<std::string> arguments = {"run", bad("prints_in_call"), "detect"};
    if (inside) arguments.push_back("--in-process");
    const ChildResult result = plugin(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    EXPECT_TRUE(parse_json(result.output).ok()) << result.output;
    EXPECT_THAT(result.output, Not(HasSubstr("forged")));
    if (inside) {
      EXPECT_THAT(result.errors, HasSubstr("forged"));
    }
  }
}

TEST_F(PluginRun, DocsAreMarkdown) {
  const ChildResult page = plugin({"docs", example("runit")});
  EXPECT_EQ(page.exit_code, 0) << page.errors;
  EXPECT_THAT(page.output,
              HasSubstr("| `wait_seconds` | integer | `30` | at least 1, at most 100"));
  EXPECT_EQ(plugin({"docs", "nowhere.so"}).exit_code, 3);
}

TEST_F(PluginRun, NewRefusesToOverwrite) {
  const ChildResult first = plugin({"new", "role", "web-shop"});
  EXPECT_EQ(first.exit_code, 0) << first.errors;
  EXPECT_THAT(first.output, HasSubstr("web-shop/web-shop.cpp\n"));
  EXPECT_THAT(first.errors, HasSubstr("cmake --workflow --preset dev"));
  const ChildResult again = plugin({"new", "role", "web-shop"});
  EXPECT_EQ(again.exit_code, 5);
  EXPECT_THAT(again.errors, HasSubstr("nothing was written"));
  EXPECT_EQ(plugin({"new", "role", "Web Shop"}).exit_code, 2);
  EXPECT_EQ(plugin({"new", "thing", "x"}).exit_code, 2);
}

}  // namespace
}  // namespace rolesync::cli
