// SPDX-License-Identifier: Apache-2.0
// The typed Host against FakeHost: both write and read the shapes of docs/plugin-services.md.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <rolesync/testing/fake_host.hpp>

namespace rolesync {
namespace {

class FakeHostTest : public ::testing::Test {
 protected:
  std::string refusal(const std::function<void()>& act) {
    try {
      act();
    } catch (const Error& error) {
      return error.reason();
    }
    return "";
  }
  testing::FakeHost fake_;
  Host host_{fake_.raw()};
};

TEST_F(FakeHostTest, FactsOfTheNode) {
  fake_.paths = {"/there"};
  fake_.ports = {80};
  EXPECT_TRUE(host_.path_exists("/there"));
  EXPECT_FALSE(host_.path_exists("/away"));
  EXPECT_TRUE(host_.port_listening(80));
  EXPECT_FALSE(host_.port_listening(81));
}

TEST_F(FakeHostTest, Units) {
  fake_.add_unit("web", "inactive");
  EXPECT_EQ(host_.unit_status("web").active_state, "inactive");
  EXPECT_EQ(host_.unit_start("web", 5).active_state, "active");
  EXPECT_TRUE(host_.unit_status("web").started_at);
  EXPECT_EQ(host_.unit_stop("web", 5).active_state, "inactive");
  EXPECT_EQ(host_.unit_status("none").load_state, "not-found");
  EXPECT_EQ(refusal([&] { host_.unit_restart("none", 5); }), "unit_missing");
}

TEST_F(FakeHostTest, StateIsKeptAndForgotten) {
  EXPECT_FALSE(host_.recall("k"));
  const Values values = {{"n", std::int64_t{7}}, {"b", true}, {"t", std::string("x")}};
  host_.remember("k", values);
  EXPECT_EQ(host_.recall("k"), values);
  host_.forget("k");
  EXPECT_FALSE(host_.recall("k"));
}

TEST_F(FakeHostTest, ProgramsAreTheTestsOwn) {
  EXPECT_EQ(refusal([&] { host_.run({{"true"}}); }), "service_unknown");
  fake_.on("process.run", [](const Json& request) -> Json {
    EXPECT_EQ(request.at("argv"), Json({"rsync", "-e", "@connect"}));
    EXPECT_EQ(request.at("connect"), "s");
    EXPECT_FALSE(request.contains("attach"));
    return {{"exit_code", 3},
            {"signal", 0},
            {"timed_out", false},
            {"output", "o"},
            {"errors", "one\ntwo\n\n"}};
  });
  Program program{{"rsync", "-e", "@connect"}};
  program.connect = "s";
  const ProgramResult result = host_.run(program);
  EXPECT_FALSE(result.succeeded());
  EXPECT_EQ(result.explain(), "exit 3: two");
  EXPECT_EQ(fake_.asked("process.run").size(), 2u);
}

TEST_F(FakeHostTest, ExplainsEveryEnd) {
  ProgramResult result;
  result.exit_code = 0;
  EXPECT_EQ(result.explain(), "exit 0");
  result.exit_code = -1;
  result.signal = 9;
  EXPECT_EQ(result.explain(), "killed by signal 9");
  result.timed_out = true;
  result.errors = "waiting";
  EXPECT_EQ(result.explain(), "timed out: waiting");
}

TEST_F(FakeHostTest, AnAnswerWithoutAFieldIsAnError) {
  fake_.on("process.start", [](const Json&) -> Json { return {{"pid", 1}}; });
  EXPECT_EQ(refusal([&] { host_.start({{"x"}}, "log"); }), "invalid_request");
}

TEST_F(FakeHostTest, OnlyWhatIsDeclaredIsServed) {
  fake_.allow_only({"port.listening"});
  EXPECT_FALSE(host_.port_listening(80));
  EXPECT_EQ(refusal([&] { host_.path_exists("/"); }), "service_not_declared");
}

TEST_F(FakeHostTest, LogsAndProgress) {
  host_.info("hello");
  host_.progress(1, 2, "files");
  EXPECT_EQ(fake_.log(), std::vector<std::string>{"hello"});
  EXPECT_FALSE(host_.cancelled());
  fake_.cancelled = true;
  EXPECT_TRUE(host_.cancelled());
}

TEST_F(FakeHostTest, WithoutAHostEveryServiceIsAnError) {
  EXPECT_EQ(refusal([] { Host().path_exists("/"); }), "no_host");
}

}  // namespace
}  // namespace rolesync
