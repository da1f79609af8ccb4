// SPDX-License-Identifier: Apache-2.0
// The test kit against a plugin that is linked into this test: typed calls mean what the host's
// JSON means, and the matchers can say no.
#include <nlohmann/json.hpp>
#include <rolesync/testing/matchers.hpp>
#include <sstream>

namespace rolesync {
namespace {

struct Echo : Detector {
  Detection detect(const RoleData& role, const Facts& facts) override {
    Detection found;
    found.state = facts.path_exists ? State::active : State::not_installed;
    found.health = role.port && facts.listening(*role.port) ? Health::healthy : Health::failing;
    found.reason = role.name + "_" + (facts.service ? facts.service->detail : "none");
    found.evidence = {{"there", host().path_exists(role.target_path)}};
    return found;
  }
};

struct Counter : RestartStrategy {
  ServiceStatus status(const RoleData& role, const Options& options) override {
    if (options.count("fail")) throw Error(Code::transient, "busy", "not now");
    return {Running::running, "2026-01-01T00:00:00Z", role.service};
  }
  ServiceStatus start(const RoleData& role, const Options& options) override {
    return status(role, options);
  }
  ServiceStatus stop(const RoleData&, const Options&) override {
    const auto times = host().recall("stops");
    const auto count = times ? std::get<std::int64_t>(times->at("count")) : 0;
    host().remember("stops", {{"count", count + 1}});
    return {Running::stopped, std::nullopt, std::to_string(count + 1)};
  }
};

struct Carrier : Deployer {
  Values offer(const OfferRequest& request) override {
    return {{"files", static_cast<std::int64_t>(request.files)}, {"id", request.content_id}};
  }
  void serve(const ServeRequest& request) override {
    const auto result = host().run({{"serve", request.directory, request.stream}});
    if (!result.succeeded()) throw Error(Code::failed, "serve_failed", result.explain());
  }
  std::uint64_t fetch(const FetchRequest& request) override {
    return request.files + static_cast<std::uint64_t>(request.offer.size());
  }
};

}  // namespace
}  // namespace rolesync

ROLESYNC_PLUGIN("test-kit", "1.0.0",
                rolesync::detector<rolesync::Echo>("echo").needs({"fs.exists"}),
                rolesync::restart_strategy<rolesync::Counter>("counter").needs({"state.get",
                                                                                "state.put"}),
                rolesync::deployer<rolesync::Carrier>("carrier").needs({"process.run"}));

namespace rolesync::testing {
namespace {

class TestKit : public ::testing::Test {
 protected:
  PluginInstance create(const char* kind, const char* id) {
    return Plugin(*rolesync_plugin).create(kind, id, host_);
  }
  FakeHost host_;
};

TEST_F(TestKit, ADetectorGetsRoleAndFacts) {
  host_.paths = {"/srv/shop"};
  RoleData role;
  role.name = "shop";
  role.target_path = "/srv/shop";
  role.port = 80;
  Facts facts;
  facts.path_exists = true;
  facts.service = ServiceStatus{Running::running, std::nullopt, "fine"};
  facts.listening_ports = {80};
  const Detection found = create("detector", "echo").detect(role, facts);
  EXPECT_THAT(found, ::testing::AllOf(IsActive(), IsHealthy(), HasReason("shop_fine")));
  EXPECT_THAT(found, ::testing::Not(IsInactive()));
  EXPECT_THAT(found, ::testing::Not(IsFailing()));
  EXPECT_EQ(found.evidence.at("there"), Value(true));
  EXPECT_THAT(host_, AskedFor("fs.exists"));
  EXPECT_THAT(host_, AskedFor("fs.exists", "/srv/shop"));
  EXPECT_THAT(host_, ::testing::Not(AskedFor("fs.exists", "/srv/other")));
  EXPECT_THAT(host_, ::testing::Not(WasAskedNothing()));
  EXPECT_THAT(create("detector", "echo").detect(role, {}), IsNotInstalled());
}

TEST_F(TestKit, AStrategyRemembersAndReportsErrors) {
  RoleData role;
  role.name = "shop";
  role.service = "web";
  const PluginInstance strategy = create("restart_strategy", "counter");
  EXPECT_THAT(strategy.status(role), IsRunning());
  EXPECT_EQ(strategy.status(role).started_at, "2026-01-01T00:00:00Z");
  EXPECT_THAT(strategy.stop(role), IsStopped());
  EXPECT_EQ(strategy.restart(role).detail, "web");
  EXPECT_EQ(host_.state.at("stops").at("count"), Value(std::int64_t{2}));
  EXPECT_THAT([&] { strategy.start(role, {{"fail", "1"}}); }, ReportsError("busy"));
  EXPECT_THAT([&] { strategy.start(role, {{"fail", "1"}}); }, ::testing::Not(ReportsError("lazy")));
  EXPECT_THAT([&] { strategy.start(role); }, ::testing::Not(ReportsError("busy")));
}

TEST_F(TestKit, ADeployersHalves) {
  const PluginInstance deployer = create("deployer", "carrier");
  EXPECT_EQ(deployer.offer({"rs1:x", 2, 10}),
            (Values{{"files", std::int64_t{2}}, {"id", std::string("rs1:x")}}));
  host_.programs_answer({0, 0, false, "", ""});
  deployer.serve({"o", "/offer", "s1"});
  EXPECT_THAT(host_, AskedFor("process.run", R"(["serve","/offer","s1"])"));
  host_.programs_answer({3, 0, false, "", "one\ntwo\n"});
  EXPECT_THAT([&] { deployer.serve({"o", "/offer", "s1"}); }, ReportsError("serve_failed"));
  FetchRequest request;
  request.offer = {{"a", true}};
  request.files = 4;
  EXPECT_EQ(deployer.fetch(request), 5u);
}

TEST_F(TestKit, FailuresAreReadable) {
  Detection found;
  found.state = State::inactive;
  found.reason = "stopped";
  EXPECT_EQ(::testing::PrintToString(found), "inactive, unknown, reason stopped");
  EXPECT_EQ(::testing::PrintToString(host_), "a host that was asked nothing");
}

// What no host sends, but somebody may.
TEST_F(TestKit, ADeepRequestIsRefused) {
  void* instance = nullptr;
  std::string text;
  const rs_sink sink{&text, [](void* context, const char* data, size_t size) {
                       static_cast<std::string*>(context)->append(data, size);
                     }};
  ASSERT_EQ(rolesync_plugin->create(host_.raw(), "detector", "echo", "{}", 2, &instance, &sink),
            RS_OK);
  const std::string deep = "{\"role\":" + std::string(200'000, '[');
  EXPECT_EQ(rolesync_plugin->call(instance, "detect", deep.data(), deep.size(), &sink), RS_INVALID);
  EXPECT_THAT(text, ::testing::HasSubstr("nested too deeply"));
  rolesync_plugin->destroy(instance);
}

}  // namespace
}  // namespace rolesync::testing
