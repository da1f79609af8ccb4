// SPDX-License-Identifier: Apache-2.0
// `rolesync plugin check` finds what is wrong: every check with a plugin that has just that fault,
// through the runner with its real children. What passes them all is shown by the plugins that
// come with rolesync, whose builds run the check (ctest -R '\.check$').
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "host/plugin_check/runner.hpp"
#include "host/process/child.hpp"
#include "host/values/json.hpp"
#include "tests/place.hpp"

namespace rolesync::plugin_check {
namespace {

namespace fs = std::filesystem;
using State = Outcome::State;
using testing::HasSubstr;

const std::string program = build_directory() + "/bin/rolesync";

fs::path bad_plugin(const std::string& id) {
  return fs::path(build_directory()) / "tests/bad_plugins" / (id + ".so");
}

std::vector<Finding> check(const fs::path& file, std::vector<std::string> only = {}) {
  RunnerOptions options;
  options.child = {program, "plugin", "check", "--one"};
  options.environment = {{"PATH", "/usr/bin:/bin"}};
  options.only = std::move(only);
  return run_checks(file, options, [](const Finding&) {});
}

struct Fault {
  const char* check;
  const char* plugin;
  const char* words;  // in what the check says
};

void PrintTo(const Fault& fault, std::ostream* out) {
  *out << fault.plugin;
}

const std::vector<Fault>& faults() {
  static const std::vector<Fault> all = {
      {"RS104", "exports_more", "a_name_that_others_may_have"},
      {"RS105", "unique_symbol", "unique"},
      {"RS201", "unresolved_symbol", "nobody provides"},
      {"RS202", "aborts_at_load", "signal 6"},
      {"RS202", "exits_at_load", "ended the process"},
      {"RS203", "no_entry", "rolesync_plugin"},
      {"RS203", "wrong_magic", "rolesync_plugin"},
      {"RS203", "short_entry", "lacks functions"},
      {"RS204", "future_abi", "ABI"},
      {"RS205", "changes_umask", "umask"},
      {"RS205", "changes_signal_handlers", "signal"},
      {"RS205", "changes_directory", "directory"},
      {"RS206", "prints_while_loading", "prints"},
      {"RS301", "invalid_descriptor", "/"},
      {"RS301", "descriptor_no_json", "cannot be read"},
      {"RS301", "unknown_need", "is not a service"},
      {"RS301", "describe_fails", "cannot describe itself"},
      {"RS302", "invalid_options", "/provides/0/options/x"},
      {"RS303", "describes_differently", "differs"},
      {"RS304", "slow_to_describe", " ms"},
      {"RS305", "contradictory_options", "defaults are refused"},
      {"RS306", "no_fault", "no summary"},
      {"RS401", "refuses_create", "bad"},
      {"RS401", "crashes_in_create", "crashed"},
      {"RS402", "no_fault", "makes a no-such-kind"},
      {"RS403", "no_fault", "instead of 3"},
      {"RS404", "answers_text", "no object"},
      {"RS404", "answers_no_json", "no JSON"},
      {"RS404", "unknown_status", "does not exist"},
      {"RS404", "errors_without_text", "no JSON"},
      {"RS404", "throws_exception", "exception out of its door: over the door"},
      {"RS404", "throws_int", "exception"},
      {"RS404", "crashes_in_call", "crashed"},
      {"RS404", "exits_in_call", "ended the process"},
      {"RS406", "tries_for_ever", "goes on"},
      {"RS407", "calls_undeclared_service", "process.run"},
      {"RS408", "prints_in_call", "forged"},
      {"RS409", "changes_umask_in_call", "umask"},
      {"RS501", "trusts_types", "crashed"},
      {"RS502", "trusts_options", "crashed"},
      {"RS503", "overflows", "crashed"},
      {"RS504", "recurses", "crashed"},
      {"RS505", "trusts_utf8", "crashed"},
      {"RS506", "trusts_text", "crashed"},
      {"RS507", "trusts_host", "crashed"},
      {"RS601", "leaves_thread", "thread"},
      {"RS602", "leaks_instances", "allocated"},
      {"RS603", "grows_memory", "allocated"},
      {"RS603", "crashes_on_thousandth_call", "crashed"},
      {"RS604", "unique_symbol", "still in memory"},
      {"RS605", "shares_state", "crashed"},
      {"RS701", "invalid_role", "target"},
      {"RS702", "restless_role", "differs"},
      {"RS703", "role_of_the_system", "/etc"},
  };
  return all;
}

class BadPluginCheck : public testing::TestWithParam<Fault> {};

TEST_P(BadPluginCheck, FindsIt) {
  const auto findings = check(bad_plugin(GetParam().plugin), {GetParam().check});
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].outcome.state, State::failed);
  EXPECT_THAT(findings[0].outcome.detail, HasSubstr(GetParam().words));
}

INSTANTIATE_TEST_SUITE_P(, BadPluginCheck, testing::ValuesIn(faults()), [](const auto& instance) {
  return std::string(instance.param.check) + "_" + instance.param.plugin;
});

class BadPluginFile : public testing::Test {
 protected:
  BadPluginFile() {
    std::string name = fs::temp_directory_path() / "rolesync-check-test-XXXXXX";
    root_ = ::mkdtemp(name.data());
  }
  ~BadPluginFile() override { fs::remove_all(root_); }

  void expect_failed(const fs::path& file, const char* id, const char* words) {
    tried_.insert(id);
    const auto findings = check(file, {id});
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings[0].outcome.state, State::failed) << id << " " << file;
    EXPECT_THAT(findings[0].outcome.detail, HasSubstr(words));
  }

  fs::path root_;
  std::set<std::string> tried_;
};

TEST_F(BadPluginFile, CheckLooksAtTheFileFirst) {
  fs::copy_file(bad_plugin("no_fault"), root_ / "No Fault.so");
  expect_failed(root_ / "No Fault.so", "RS101", "No Fault.so");
  ::chmod((root_ / "No Fault.so").c_str(), 0666);
  expect_failed(root_ / "No Fault.so", "RS102", "may write it");
  fs::create_symlink(root_ / "No Fault.so", root_ / "link.so");
  expect_failed(root_ / "link.so", "RS102", "symbolic link");
  std::ofstream(root_ / "text.so") << "hello";
  expect_failed(root_ / "text.so", "RS103", "no ELF library");
  fs::copy_file(bad_plugin("no_fault"), root_ / "cut.so");
  fs::resize_file(root_ / "cut.so", fs::file_size(root_ / "cut.so") / 2);
  expect_failed(root_ / "cut.so", "RS103", "ends before");
}

// Everything after a gate is skipped: nobody loads what is no library.
TEST_F(BadPluginFile, CheckStopsAtAGate) {
  std::ofstream(root_ / "text.so") << "hello";
  std::size_t skipped = 0;
  for (const Finding& finding : check(root_ / "text.so")) {
    const bool later = std::string(finding.check->id) > "RS103";
    EXPECT_EQ(finding.outcome.state == State::skipped, later) << finding.check->id;
    skipped += later;
  }
  EXPECT_GT(skipped, 30u);
}

// A crash is a finding of the checks that saw it; the others go on, and find more.
TEST(BadPluginChecks, GoOnAfterACrash) {
  std::map<std::string, State> states;
  for (const Finding& finding : check(bad_plugin("crashes_in_call")))
    states[finding.check->id] = finding.outcome.state;
  EXPECT_EQ(states.size(), all_checks().size());
  EXPECT_EQ(states["RS404"], State::failed);
  EXPECT_EQ(states["RS602"], State::passed) << "instances alone do no harm";
  EXPECT_EQ(states["RS604"], State::failed);
}

// The first call that hangs uses up the limit; the later checks are less patient.
TEST(BadPluginChecks, EndWhatHangs) {
  const auto findings = check(bad_plugin("hangs_in_call"), {"RS403", "RS404", "RS602"});
  ASSERT_EQ(findings.size(), 3u);
  EXPECT_THAT(findings[0].outcome.detail, HasSubstr("did not come back within 20 s"));
  EXPECT_THAT(findings[1].outcome.detail, HasSubstr("did not come back within 3 s"));
  EXPECT_EQ(findings[2].outcome.state, State::passed);
}

// A check that nobody has ever seen red proves nothing.
TEST(BadPluginChecks, EveryCheckHasAPluginThatFailsIt) {
  std::set<std::string> red = {"RS101", "RS102", "RS103", "RS405"};  // in tests of their own
  for (const Fault& fault : faults()) red.insert(fault.check);
  for (const Check& one : all_checks()) EXPECT_EQ(red.count(one.id), 1u) << one.id;
  EXPECT_EQ(red.size(), all_checks().size());
}

TEST(BadPluginChecks, LateAnswersAreFound) {
  const auto findings = check(bad_plugin("slow_in_call"), {"RS405"});
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].outcome.state, State::failed);
  EXPECT_THAT(findings[0].outcome.detail, HasSubstr("longer than its time limit"));
}

ChildResult rolesync(std::vector<std::string> arguments) {
  ChildSpec spec;
  spec.argv = {program, "plugin", "check"};
  spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
  spec.environment = {{"PATH", "/usr/bin:/bin"}};
  spec.time_limit = std::chrono::minutes(2);
  auto result = run_child(spec);
  return result ? *result : ChildResult{};
}

TEST(BadPluginCheckProgram, ExitCodesAndForms) {
  const std::string good = build_directory() + "/plugins/role/backend.so";
  const std::string bad = bad_plugin("role_of_the_system");
  const ChildResult fine = rolesync({good, "--only-failed", "--only", "RS104,RS404,RS701"});
  EXPECT_EQ(fine.exit_code, 0) << fine.output;
  EXPECT_EQ(fine.output, "");
  const ChildResult red = rolesync({bad, "--only-failed", "--only", "RS701,RS703"});
  EXPECT_EQ(red.exit_code, 1);
  EXPECT_THAT(red.output, HasSubstr("RS703  failed"));
  EXPECT_THAT(red.output, HasSubstr("why: "));
  EXPECT_THAT(red.output, HasSubstr("fix: "));
  EXPECT_THAT(red.output, testing::Not(HasSubstr("RS701")));
  EXPECT_EQ(rolesync({"--in-process", "--only", "RS703", bad}).exit_code, 1);
  EXPECT_EQ(rolesync({"/nowhere.so"}).exit_code, 3);
  EXPECT_EQ(rolesync({"/usr"}).exit_code, 2);
  EXPECT_EQ(rolesync({good, "--only", "RS000"}).exit_code, 2);
  EXPECT_EQ(rolesync({}).exit_code, 2);
}

TEST(BadPluginCheckProgram, JsonHoldsEveryFinding) {
  const ChildResult run =
      rolesync({bad_plugin("role_of_the_system"), "-o", "json", "--only", "RS701,RS703"});
  const auto answer = parse_json(run.output);
  ASSERT_TRUE(answer.ok()) << run.output << run.errors;
  EXPECT_EQ((*answer)["passed"], false);
  ASSERT_EQ((*answer)["findings"].size(), 2u);
  const Json& finding = (*answer)["findings"][1];
  EXPECT_EQ(finding["id"], "RS703");
  EXPECT_EQ(finding["state"], "failed");
  for (const char* field : {"title", "why", "fix", "detail"})
    EXPECT_NE(finding.value(field, ""), "") << field;
}

TEST(BadPluginCheckProgram, ListNamesEachOnce) {
  const ChildResult list = rolesync({"--list"});
  EXPECT_EQ(list.exit_code, 0);
  std::set<std::string> ids;
  for (const Check& one : all_checks()) {
    EXPECT_TRUE(ids.insert(one.id).second) << one.id << " twice";
    EXPECT_THAT(list.output, HasSubstr(std::string(one.id) + "  " + one.title));
  }
}

}  // namespace
}  // namespace rolesync::plugin_check
