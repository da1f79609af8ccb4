// SPDX-License-Identifier: Apache-2.0
// The default detection rule as a table.
#include <gtest/gtest.h>

#include "tests/plugins/built_plugin.hpp"

namespace rolesync::testing {
namespace {

enum class Service { absent, running, stopped, failed, unknown, waiting };

struct Case {
  bool path;
  Service service;
  int port;  // 0: the role names none
  bool listening;
  const char* state;
  const char* health;
  const char* reason;
};

Json facts(const Case& c) {
  static const char* words[] = {"", "running", "stopped", "failed", "unknown", "waiting"};
  Json service;
  if (c.service != Service::absent) {
    service = {
        {"state", words[static_cast<int>(c.service)]}, {"started_at", nullptr}, {"detail", ""}};
  }
  return {{"path_exists", c.path},
          {"service", service},
          {"listening_ports", c.listening ? Json{22, c.port} : Json{22}}};
}

Json role(const Case& c) {
  Json fields = {{"role_name", "r"}, {"target_path", "/srv/r"}};
  if (c.service != Service::absent) fields["systemd_service"] = "r";
  if (c.port) fields["health_check_port"] = c.port;
  return fields;
}

TEST(PathServicePort, Rule) {
  const Case cases[] = {
      {true, Service::running, 0, false, "active", "healthy", ""},
      {true, Service::running, 80, true, "active", "healthy", ""},
      {true, Service::running, 80, false, "active", "failing", "port_not_listening"},
      {true, Service::stopped, 0, false, "inactive", "unknown", "service_stopped"},
      {true, Service::stopped, 80, true, "inactive", "unknown", "service_stopped"},
      {true, Service::failed, 80, false, "inactive", "failing", "service_failed"},
      {true, Service::unknown, 0, false, "unknown", "unknown", "service_unknown"},
      {true, Service::waiting, 0, false, "active", "healthy", ""},
      {true, Service::waiting, 80, true, "active", "healthy", ""},
      {true, Service::waiting, 80, false, "active", "failing", "port_not_listening"},
      {true, Service::absent, 0, false, "active", "healthy", ""},
      {true, Service::absent, 80, true, "active", "healthy", ""},
      {true, Service::absent, 80, false, "inactive", "failing", "port_not_listening"},
      {false, Service::absent, 0, false, "not_installed", "unknown", ""},
      {false, Service::stopped, 80, false, "not_installed", "unknown", ""},
      {false, Service::running, 80, true, "not_installed", "unknown", "service_without_path"},
  };
  FakeHost host;
  const auto detector =
      built_plugin("detector", "path_service_port").create("detector", "path_service_port", host);
  for (const Case& c : cases) {
    const Json found = detector.call("detect", {{"role", role(c)}, {"facts", facts(c)}});
    const std::string line = std::to_string(&c - cases);
    EXPECT_EQ(found.at("state"), c.state) << line;
    EXPECT_EQ(found.at("health"), c.health) << line;
    EXPECT_EQ(found.at("reason"), c.reason) << line;
    EXPECT_EQ(found.at("evidence").at("path_exists"), c.path) << line;
  }
  EXPECT_TRUE(host.asked().empty()) << "everything it needs is in the facts";
}

TEST(PathServicePort, TheStrategysReasonIsTheReason) {
  FakeHost host;
  const auto detector =
      built_plugin("detector", "path_service_port").create("detector", "path_service_port", host);
  Json seen = facts({true, Service::stopped, 0, false, "", "", ""});
  seen["service"]["reason"] = "unit_masked";
  const Json found = detector.call(
      "detect", {{"role", role({true, Service::stopped, 0, false, "", "", ""})}, {"facts", seen}});
  EXPECT_EQ(found.at("state"), "inactive");
  EXPECT_EQ(found.at("reason"), "unit_masked");
}

TEST(PathServicePort, ARoleWithoutAnythingToSeeIsUnknown) {
  FakeHost host;
  const auto detector =
      built_plugin("detector", "path_service_port").create("detector", "path_service_port", host);
  const Json found =
      detector.call("detect", {{"role", {{"role_name", "code-source"}, {"target_path", ""}}},
                               {"facts", {{"path_exists", false}, {"service", nullptr}}}});
  EXPECT_EQ(found.at("state"), "unknown");
  EXPECT_EQ(found.at("reason"), "nothing_to_detect");
}

TEST(PathServicePort, ARequestWithoutFactsIsInvalid) {
  FakeHost host;
  const auto detector =
      built_plugin("detector", "path_service_port").create("detector", "path_service_port", host);
  for (const Json& request :
       {Json::object(), Json::array(), Json({{"role", {{"role_name", 1}}}, {"facts", 2}})}) {
    try {
      detector.call("detect", request);
      FAIL() << request;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::invalid) << request;
    }
  }
}

}  // namespace
}  // namespace rolesync::testing
