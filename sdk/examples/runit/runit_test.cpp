// SPDX-License-Identifier: Apache-2.0
#include <rolesync/testing/matchers.hpp>

using namespace rolesync::testing;

class RunitTest : public testing::Test {
 protected:
  RunitTest() {
    role_.name = "shop";
    role_.service = "shop";
  }
  void sv_says(int exit_code, const std::string& output, const std::string& errors = "") {
    rolesync::ProgramResult result;
    result.exit_code = exit_code;
    result.output = output;
    result.errors = errors;
    host_.programs_answer(result);
  }
  PluginInstance strategy() { return plugin_.create("restart_strategy", "runit", host_); }

  rolesync::RoleData role_;
  FakeHost host_;
  Plugin plugin_{ROLESYNC_PLUGIN_FILE};
};

TEST_F(RunitTest, ReadsTheStatusLine) {
  sv_says(0, "run: /etc/service/shop: (pid 123) 4567s\n");
  EXPECT_THAT(strategy().status(role_), IsRunning());
  sv_says(0, "down: /etc/service/shop: 3s, normally up\n");
  EXPECT_THAT(strategy().status(role_), IsStopped());
  sv_says(1, "", "sv: command not found");
  EXPECT_EQ(strategy().status(role_).state, rolesync::Running::unknown);
}

TEST_F(RunitTest, RestartsWithTheRolesOptions) {
  sv_says(0, "ok: run: /srv/sv/shop: (pid 124) 1s\n");
  const auto after = strategy().restart(role_, {{"directory", "/srv/sv"}, {"wait_seconds", "5"}});
  EXPECT_THAT(after, IsRunning());
  EXPECT_THAT(host_, AskedFor("process.run", R"(["sv","-w","5","restart","/srv/sv/shop"])"));
}

TEST_F(RunitTest, SaysWhyItFailed) {
  sv_says(1, "", "timeout: down: /etc/service/shop: 30s");
  EXPECT_THAT([&] { strategy().start(role_); }, ReportsError("service_failed"));
}

TEST_F(RunitTest, ARoleWithoutAServiceIsRefused) {
  role_.service.clear();
  EXPECT_THAT([&] { strategy().status(role_); }, ReportsError("service_missing"));
  EXPECT_THAT(host_, WasAskedNothing());
}
