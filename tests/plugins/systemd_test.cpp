// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/plugins/built_plugin.hpp"

namespace rolesync::testing {
namespace {

class Systemd : public ::testing::Test {
 protected:
  Json call(const std::string& method, const Json& options = Json::object(),
            const std::string& unit = "web") {
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
  EXPECT_EQ(refusal("start"), "service_not_running");
}

TEST_F(Systemd, OptionsAndRolesThatMakeNoSense) {
  host_.add_unit("web", "inactive");
  call("start", {{"timeout_seconds", "7"}});
  EXPECT_EQ(host_.asked("service.start").at(0).at("timeout_seconds"), 7);
  for (const char* text : {"", "0", "soon", "-1", "99999", "1.5"}) {
    EXPECT_EQ(refusal("start", {{"timeout_seconds", text}}), "invalid_option") << text;
  }
  EXPECT_EQ(refusal("status", Json::object(), ""), "no_service");
  EXPECT_EQ(refusal("explode"), "method_unknown");
}

}  // namespace
}  // namespace rolesync::testing
