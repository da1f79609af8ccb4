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

// Whose the port is, where it listens, and what cannot be seen.
TEST(PathServicePort, SaysWhatIsWrongWithThePort) {
  struct PortCase {
    const char* facts;  // merged into those of a role with path, a running service and port 80
    const char* state;
    const char* health;
    const char* reason;
  };
  const PortCase cases[] = {
      {R"({"port": {"owner": "service", "process": "app", "addresses": ["0.0.0.0"],
           "answers": true}})",
       "active", "healthy", ""},
      {R"({"port": {"owner": "other", "process": "nginx", "addresses": ["0.0.0.0"],
           "answers": true}})",
       "active", "failing", "port_held_by_other"},
      {R"({"port": {"owner": "other", "process": "docker-proxy", "addresses": ["::"],
           "answers": true}})",
       "active", "healthy", ""},
      {R"({"port": {"owner": "unknown", "process": "", "addresses": ["127.0.0.1"],
           "answers": true}})",
       "active", "healthy", ""},
      {R"({"port": {"owner": "service", "process": "app", "addresses": ["10.0.0.5"],
           "answers": false}})",
       "active", "healthy", "port_on_other_address"},
      {R"({"listening_ports": [22], "port": {"owner": "service", "process": "app",
           "addresses": ["127.0.0.1"], "answers": false}})",
       "active", "failing", "port_on_other_address"},
      {R"({"listening_ports": [22], "port": {"owner": "unknown", "process": "",
           "addresses": ["127.0.0.1"], "answers": false}})",
       "active", "failing", "port_not_listening"},
      {R"({"listening_ports": [], "ports_error": "ports_unknown"})", "active", "unknown",
       "ports_unknown"},
      {R"({"listening_ports": [], "ports_error": "ports_unknown", "service": null})", "unknown",
       "unknown", "ports_unknown"},
      {R"({"service": {"state": "stopped", "started_at": null, "detail": ""},
           "port": {"owner": "other", "process": "nginx", "addresses": ["::"], "answers": true}})",
       "inactive", "unknown", "service_stopped"},
      {R"({"path_exists": false, "path_error": "path_unreadable"})", "unknown", "unknown",
       "path_unreadable"},
      {R"({"path_exists": false, "path_error": "path_not_allowed"})", "unknown", "unknown",
       "path_not_allowed"},
  };
  FakeHost host;
  const auto detector =
      built_plugin("detector", "path_service_port").create("detector", "path_service_port", host);
  for (const PortCase& c : cases) {
    const Case usual{true, Service::running, 80, true, "", "", ""};
    Json seen = facts(usual);
    seen.update(Json::parse(c.facts));
    const Json found = detector.call("detect", {{"role", role(usual)}, {"facts", seen}});
    EXPECT_EQ(found.at("state"), c.state) << c.facts;
    EXPECT_EQ(found.at("health"), c.health) << c.facts;
    EXPECT_EQ(found.at("reason"), c.reason) << c.facts;
  }
  const Case usual{true, Service::running, 80, true, "", "", ""};
  Json seen = facts(usual);
  seen.update(Json::parse(cases[1].facts));
  const Json evidence =
      detector.call("detect", {{"role", role(usual)}, {"facts", seen}}).at("evidence");
  EXPECT_EQ(evidence.at("port_owner"), "other");
  EXPECT_EQ(evidence.at("port_process"), "nginx");
  EXPECT_EQ(evidence.at("port_addresses"), "0.0.0.0");
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
