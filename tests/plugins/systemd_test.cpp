// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "tests/plugins/built_plugin.hpp"

namespace rolesync::testing {
namespace {

class Systemd : public ::testing::Test {
 protected:
  // Nothing is waited for unless a test says so.
  Json call(const std::string& method, Json options = Json::object(),
            const std::string& unit = "web") {
    if (!options.contains("settle_seconds")) options["settle_seconds"] = "0";
    return strategy_.call(
        method, {{"role", {{"role_name", "r"}, {"systemd_service", unit}}}, {"options", options}});
  }
  std::string refusal(const std::string& method, const Json& options = Json::object(),
                      const std::string& unit = "web") {
    try {
      call(method, options, unit);
    } catch (const Error& error) {
      return error.reason();
    }
    return "";
  }

  FakeHost host_;
  PluginInstance strategy_ =
      built_plugin("restart_strategy", "systemd").create("restart_strategy", "systemd", host_);
};

TEST_F(Systemd, StartsStopsRestartsAndTells) {
  host_.add_unit("web", "inactive");
  EXPECT_EQ(call("status").at("state"), "stopped");
  EXPECT_EQ(call("start").at("state"), "running");
  EXPECT_EQ(call("status").at("started_at"), "2026-01-01T00:00:00.000Z");
  EXPECT_EQ(call("restart").at("state"), "running");
  EXPECT_EQ(call("stop").at("state"), "stopped");
  EXPECT_EQ(host_.asked("service.restart").at(0), Json({{"unit", "web"}, {"timeout_seconds", 90}}));
}

TEST_F(Systemd, StatesOfUnits) {
  struct Case {
    const char *active, *sub, *state;
  };
  for (const Case& c :
       {Case{"active", "running", "running"}, Case{"active", "exited", "running"},
        Case{"reloading", "reload", "running"}, Case{"activating", "start", "stopped"},
        Case{"activating", "auto-restart", "failed"}, Case{"deactivating", "stop", "stopped"},
        Case{"inactive", "dead", "stopped"}, Case{"failed", "failed", "failed"}}) {
    host_.units["web"] = {"loaded", c.active, c.sub, "success", std::nullopt};
    EXPECT_EQ(call("status").at("state"), c.state) << c.active << " " << c.sub;
  }
}

TEST_F(Systemd, ReasonsOfUnits) {
  struct Case {
    const char *load, *active, *sub, *triggered_by, *state, *reason;
  };
  for (const Case& c :
       {Case{"loaded", "active", "running", "", "running", ""},
        Case{"loaded", "inactive", "dead", "", "stopped", ""},
        Case{"loaded", "inactive", "dead", "web.socket", "waiting", "service_waits"},
        Case{"loaded", "failed", "failed", "web.socket", "failed", ""},
        Case{"loaded", "activating", "start", "", "stopped", "service_starts"},
        Case{"loaded", "activating", "auto-restart", "", "failed", "service_crashes"},
        Case{"masked", "inactive", "dead", "", "stopped", "unit_masked"},
        Case{"bad-setting", "inactive", "dead", "", "stopped", "unit_invalid"},
        Case{"not-found", "inactive", "dead", "", "stopped", "unit_missing"},
        Case{"masked", "active", "running", "", "running", ""}}) {
    UnitStatus unit;
    unit.load_state = c.load;
    unit.active_state = c.active;
    unit.sub_state = c.sub;
    unit.triggered_by = c.triggered_by;
    host_.units["web"] = unit;
    EXPECT_EQ(call("status").at("state"), c.state) << c.load << " " << c.sub;
    EXPECT_EQ(call("status").at("reason"), c.reason) << c.load << " " << c.sub;
  }
}

TEST_F(Systemd, AMachineWithoutSystemdSaysSo) {
  host_.on("service.status", [](const Json&) -> Json {
    return {{"load_state", "unknown"}, {"active_state", "unknown"},
            {"sub_state", "unknown"},  {"result", ""},
            {"started_at", nullptr},   {"restarts", 0},
            {"reason", "no_systemd"}};
  });
  const Json status = call("status");
  EXPECT_EQ(status.at("state"), "unknown");
  EXPECT_EQ(status.at("reason"), "no_systemd");
  EXPECT_EQ(status.at("detail"), "this machine is not run by systemd");
}

TEST_F(Systemd, AUnitThatCrashesAgainAndAgainDoesNotCountAsRunning) {
  host_.add_unit("web", "active");
  UnitStatus& unit = host_.units["web"];
  unit.restarts = 3;
  unit.started_at = "2126-01-01T00:00:00.000Z";  // just now, or later
  EXPECT_EQ(call("status").at("state"), "failed");
  EXPECT_EQ(call("status").at("reason"), "service_crashes");
  unit.started_at = "2026-01-01T00:00:00.000Z";  // it has run for long since its last crash
  EXPECT_EQ(call("status").at("state"), "running");
  unit.started_at = "2126-01-01T00:00:00.000Z";
  unit.restarts = 1;
  EXPECT_EQ(call("status").at("state"), "running");
}

TEST_F(Systemd, AStopThatASocketWouldUndoIsAFailure) {
  host_.add_unit("web", "active");
  host_.units["web"].triggered_by = "web.socket";
  EXPECT_EQ(refusal("stop"), "service_waits");
}

TEST_F(Systemd, AUnitThatIsNotInstalledIsStopped) {
  const Json status = call("status");
  EXPECT_EQ(status.at("state"), "stopped");
  EXPECT_EQ(status.at("detail"), "the unit is not installed");
  EXPECT_EQ(refusal("start"), "unit_missing");
}

TEST_F(Systemd, AStartThatDoesNotHoldIsAFailure) {
  host_.add_unit("web", "inactive");
  host_.on("service.start", [](const Json&) -> Json {
    return {{"load_state", "loaded"},
            {"active_state", "failed"},
            {"sub_state", "failed"},
            {"result", "exit-code"},
            {"started_at", nullptr}};
  });
  EXPECT_EQ(refusal("start"), "service_crashes");
}

// A unit whose looks are these, one after another; the last stays.
class Course {
 public:
  Course(FakeHost& host, std::vector<UnitStatus> looks) : looks_(std::move(looks)) {
    for (const char* service :
         {"service.start", "service.restart", "service.reload", "service.try_restart",
          "service.reload_or_restart", "service.status"}) {
      host.on(service, [this](const Json&) { return next(); });
    }
  }

 private:
  Json next() {
    const UnitStatus& now = looks_[std::min(at_++, looks_.size() - 1)];
    return {{"load_state", "loaded"},
            {"active_state", now.active_state},
            {"sub_state", now.sub_state},
            {"result", now.result},
            {"started_at", now.started_at ? Json(*now.started_at) : Json()},
            {"restarts", static_cast<unsigned>(now.restarts)},
            {"triggered_by", ""},
            {"type", now.type},
            {"ended", now.ended},
            {"condition", now.condition}};
  }
  std::vector<UnitStatus> looks_;
  std::size_t at_ = 0;
};

UnitStatus look(const char* active, const char* sub, int restarts = 0, const char* ended = "",
                const char* started_at = "2026-01-01T00:00:01.000Z") {
  UnitStatus unit;
  unit.active_state = active;
  unit.sub_state = sub;
  unit.result = *ended ? "exit-code" : "success";
  unit.restarts = restarts;
  unit.ended = ended;
  if (*started_at) unit.started_at = started_at;
  return unit;
}

TEST_F(Systemd, WhatHappensWithinTheSettleTime) {
  UnitStatus finished = look("inactive", "dead", 0, "exit status 0");
  finished.result = "success";
  finished.type = "oneshot";
  UnitStatus unmet = look("inactive", "dead", 0, "", "");
  unmet.condition = "ConditionPathExists=/no";
  UnitStatus ended = look("inactive", "dead", 0, "exit status 0");
  ended.result = "success";
  struct Case {
    std::vector<UnitStatus> looks;
    const char *reason, *words;
  };
  const UnitStatus runs = look("active", "running"), again = look("active", "running", 1);
  for (const Case& c :
       {Case{{runs}, "", ""}, Case{{look("active", "exited")}, "", ""}, Case{{finished}, "", ""},
        Case{{runs, look("failed", "failed", 0, "exit status 3")},
             "service_crashes",
             "crashed within 1 s of its start: exit status 3 (result exit-code)"},
        Case{{look("failed", "failed", 0, "killed by SIGSEGV")}, "service_crashes", "SIGSEGV"},
        Case{{runs, look("activating", "auto-restart", 0, "exit status 9", ""), again},
             "service_crashes",
             "exit status 9"},
        Case{{runs, again}, "service_crashes", "crashed within"},
        Case{{runs, look("active", "running", 0, "", "2026-01-01T00:00:02.000Z")},
             "service_crashes",
             "crashed within"},
        Case{{runs, look("failed", "failed", 4, "exit status 1")},
             "unit_start_limit",
             "crashed 5 times, and systemd has given up: exit status 1"},
        Case{{unmet}, "unit_condition_failed", "ConditionPathExists=/no is not met"},
        Case{{runs, ended}, "service_not_running", "ended by itself"}}) {
    Course course(host_, c.looks);
    try {
      const Json after = call("restart", {{"settle_seconds", "1"}});
      EXPECT_STREQ(c.reason, "") << after;
    } catch (const Error& error) {
      EXPECT_EQ(error.reason(), c.reason) << error.what();
      EXPECT_NE(std::string(error.what()).find(c.words), std::string::npos) << error.what();
      EXPECT_NE(error.hint(), "");
    }
  }
}

TEST_F(Systemd, AnOldRestartIsNoCrashOfThisStart) {
  host_.add_unit("web", "active");
  host_.units["web"].restarts = 7;  // starting what runs already is no error
  host_.on("service.start", [](const Json&) -> Json {
    return {{"load_state", "loaded"}, {"active_state", "active"},
            {"sub_state", "running"}, {"result", "success"},
            {"restarts", 7u},         {"started_at", "2026-01-01T00:00:00.000Z"}};
  });
  EXPECT_EQ(call("start", {{"settle_seconds", "1"}}).at("state"), "running");
}

TEST_F(Systemd, ACancelledCallDoesNotSettle) {
  host_.add_unit("web", "inactive");
  host_.cancelled = true;
  EXPECT_EQ(refusal("start", {{"settle_seconds", "600"}}), "cancelled");
}

TEST_F(Systemd, AOneshotThatHasRunIsFinished) {
  UnitStatus unit = look("inactive", "dead", 0, "exit status 0");
  unit.load_state = "loaded";
  unit.result = "success";
  unit.type = "oneshot";
  host_.units["web"] = unit;
  EXPECT_EQ(call("status").at("state"), "finished");
  EXPECT_EQ(call("status").at("reason"), "service_finished");
  host_.units["web"].result = "exit-code";
  EXPECT_EQ(call("status").at("state"), "stopped");
  host_.units["web"].started_at.reset();
  EXPECT_EQ(call("status").at("state"), "stopped");
}

TEST_F(Systemd, InstancesAreRestartedOneAfterAnother) {
  for (const char* unit : {"worker@1", "worker@2", "worker@3"}) host_.add_unit(unit, "active");
  const Json options = {{"instances", "1 2  3"}};
  for (const char* service : {"worker", "worker@", "worker.service"}) {
    const Json after = call("restart", options, service);
    EXPECT_EQ(after.at("state"), "running") << service;
    EXPECT_EQ(after.at("detail"), "all 3 units run");
  }
  EXPECT_EQ(host_.asked("service.restart").at(1).at("unit"), "worker@2");

  host_.units["worker@2"].active_state = "failed";
  const Json status = call("status", options, "worker");
  EXPECT_EQ(status.at("state"), "failed");
  EXPECT_NE(status.at("detail").get<std::string>().find("worker@2: failed"), std::string::npos);
  EXPECT_NE(status.at("detail").get<std::string>().find("1 of 3"), std::string::npos);

  host_.units.erase("worker@2");
  try {
    call("restart", options, "worker");
    FAIL() << "worker@2 is not there";
  } catch (const Error& error) {
    EXPECT_EQ(error.reason(), "unit_missing");
    EXPECT_NE(std::string(error.what()).find("worker@3 not restarted"), std::string::npos)
        << error.what();
  }
}

TEST_F(Systemd, ATemplateStandsForTheInstancesThatANodeHas) {
  Json there = Json::array();
  host_.on("service.instances", [&](const Json&) { return there; });
  for (const char* service : {"worker@", "worker@.service"}) {
    EXPECT_EQ(call("units", Json::object(), service).at("units"), Json({"worker@*"}));
    EXPECT_EQ(call("status", Json::object(), service).at("reason"), "unit_missing");
    EXPECT_EQ(call("stop", Json::object(), service).at("state"), "stopped");
    EXPECT_EQ(refusal("restart", Json::object(), service), "unit_missing");
  }
  EXPECT_EQ(host_.asked("service.instances").at(0).at("unit"), "worker@");
  there = {"worker@1", "worker@b"};
  for (const char* unit : {"worker@1", "worker@b"}) host_.add_unit(unit, "active");
  EXPECT_EQ(call("restart", Json::object(), "worker@").at("detail"), "all 2 units run");
  EXPECT_EQ(host_.asked("service.restart").size(), 2u);
  host_.units["worker@b"].active_state = "failed";
  const Json status = call("status", Json::object(), "worker@");
  EXPECT_EQ(status.at("state"), "failed");
  EXPECT_NE(status.at("detail").get<std::string>().find("worker@b: failed"), std::string::npos);

  call("stop", {{"user", "autobot"}}, "worker@");
  EXPECT_EQ(host_.asked("service.instances").back().at("unit"), "user:autobot/worker@");
}

TEST_F(Systemd, UnitsOfAUser) {
  const Json options = {{"user", "autobot"}, {"instances", "a b"}};
  host_.add_unit("user:autobot/shop@a", "active");
  host_.add_unit("user:autobot/shop@b", "active");
  EXPECT_EQ(call("restart", options, "shop").at("state"), "running");
  EXPECT_EQ(call("units", options, "shop").at("units"),
            Json({"user:autobot/shop@a", "user:autobot/shop@b"}));
  EXPECT_EQ(call("units", Json::object(), "shop").at("units"), Json({"shop"}));
  EXPECT_EQ(call("units", Json::object(), "").at("units"), Json::array());
}

TEST_F(Systemd, OtherActionsThanARestart) {
  host_.add_unit("web", "active");
  for (const auto& [action, service] :
       {std::pair{"reload", "service.reload"}, std::pair{"try-restart", "service.try_restart"},
        std::pair{"reload-or-restart", "service.reload_or_restart"}}) {
    EXPECT_EQ(call("restart", {{"action", action}}).at("state"), "running");
    EXPECT_EQ(host_.asked(service).size(), 1u) << service;
  }
  EXPECT_TRUE(host_.asked("service.restart").empty());
  // What was reloaded has seen the files of that moment; what was started again since, those of
  // its start.
  const std::string reloaded = call("status", {{"action", "reload"}}).at("started_at");
  EXPECT_GT(reloaded, "2026-01-01T00:00:00.000Z");
  EXPECT_EQ(call("status").at("started_at"), "2026-01-01T00:00:00.000Z");
  host_.units["web"].started_at = "2026-02-01T00:00:00.000Z";
  EXPECT_EQ(call("status", {{"action", "reload"}}).at("started_at"), "2026-02-01T00:00:00.000Z");

  host_.add_unit("web", "inactive");
  const Json left = call("restart", {{"action", "try-restart"}});
  EXPECT_EQ(left.at("state"), "stopped");
  EXPECT_EQ(left.at("reason"), "service_left_stopped");
  EXPECT_EQ(call("status", {{"action", "try-restart"}}).at("reason"), "service_left_stopped");
  EXPECT_EQ(call("status").at("reason"), "");
}

TEST_F(Systemd, OptionsAndRolesThatMakeNoSense) {
  host_.add_unit("web", "inactive");
  call("start", {{"timeout_seconds", "7"}});
  EXPECT_EQ(host_.asked("service.start").at(0).at("timeout_seconds"), 7);
  for (const char* text : {"", "0", "soon", "-1", "99999", "1.5"}) {
    EXPECT_EQ(refusal("start", {{"timeout_seconds", text}}), "invalid_option") << text;
  }
  EXPECT_EQ(refusal("start", {{"settle_seconds", "-1"}}), "invalid_option");
  EXPECT_EQ(refusal("start", {{"action", "explode"}}), "invalid_option");
  EXPECT_EQ(refusal("start", {{"instances", "1 1"}}), "invalid_option");
  EXPECT_EQ(refusal("start", {{"instances", "1,2"}}), "invalid_option");
  EXPECT_EQ(refusal("start", {{"instances", "1"}}, "web@2"), "invalid_option");
  EXPECT_EQ(refusal("status", Json::object(), ""), "no_service");
  EXPECT_EQ(refusal("explode"), "method_unknown");
}

}  // namespace
}  // namespace rolesync::testing
