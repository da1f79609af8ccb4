// SPDX-License-Identifier: Apache-2.0
// What an isolated plugin may do to itself, and what the registry makes of it.
#include <signal.h>

#include <future>

#include "tests/host/plugin/plugin_fixture.hpp"

namespace rolesync::plugin {
namespace {

class IsolationTest : public PluginFixture {
 protected:
  IsolationTest() { put(sample("v1"), drop_in_ / "sample.so"); }
  Result<Json> call(Registry& registry, std::string_view method, const CallOptions& options = {}) {
    return registry.call("detector", "sample", method, Json::object(), options);
  }
};

bool is_alive(pid_t pid) {
  return ::kill(pid, 0) == 0;
}

TEST_F(IsolationTest, ACrashIsAnErrorOfThatCallOnly) {
  Registry registry(options());
  const Error error = call(registry, "crash").error();
  EXPECT_EQ(error.reason, "plugin_fault");
  EXPECT_THAT(error.message, testing::HasSubstr("signal 6"));
  EXPECT_EQ(*call(registry, "answer"), 1);
  EXPECT_EQ(info(registry, drop_in_ / "sample.so").faults, 1u);
}

TEST_F(IsolationTest, AnExitIsAnErrorOfThatCallOnly) {
  Registry registry(options());
  EXPECT_EQ(call(registry, "leave").error().reason, "plugin_fault");
  EXPECT_EQ(*call(registry, "answer"), 1);
}

TEST_F(IsolationTest, AHangEndsAtTheTimeLimitAndTheChildWithIt) {
  Registry registry(options());
  const pid_t child = call(registry, "pid")->get<pid_t>();
  EXPECT_EQ(call(registry, "hang").error().reason, "plugin_timeout");  // 1 s by its descriptor
  EXPECT_FALSE(is_alive(child));
  EXPECT_EQ(*call(registry, "answer"), 1);
}

TEST_F(IsolationTest, PrintingToStdoutDoesNotDisturbTheWire) {
  Registry registry(options());
  const Result<Json> answer = call(registry, "print");
  ASSERT_TRUE(answer.ok()) << answer.error().text();
  EXPECT_EQ(*answer, "printed");
}

TEST_F(IsolationTest, ThreeFaultsQuarantineTheContentUntilItIsReplaced) {
  Registry registry(options());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(call(registry, "crash").error().reason, "plugin_fault");
  const Error error = call(registry, "answer").error();
  EXPECT_EQ(error.reason, "plugin_quarantined");
  EXPECT_EQ(error.kind, ErrorKind::unavailable);
  const PluginInfo held = info(registry, drop_in_ / "sample.so");
  EXPECT_EQ(held.state, PluginState::quarantined);
  EXPECT_EQ(held.reason, "plugin_quarantined");
  put(sample("v2"), drop_in_ / "sample.so");
  registry.rescan();
  EXPECT_EQ(*call(registry, "answer"), 2);
}

TEST_F(IsolationTest, AQuarantineCanBeLifted) {
  Registry registry(options());
  std::atomic<int> told{0};
  registry.on_change([&] { ++told; });
  for (int i = 0; i < 3; ++i) (void)call(registry, "crash");
  EXPECT_EQ(told, 1) << "the quarantine is a change of state";
  EXPECT_THAT(call(registry, "answer").error().message, testing::HasSubstr("signal 6"));
  EXPECT_EQ(registry.unquarantine("nobody").error().reason, "plugin_missing");
  EXPECT_TRUE(registry.unquarantine("sample").ok());
  EXPECT_EQ(told, 2);
  EXPECT_EQ(*call(registry, "answer"), 1);
  EXPECT_EQ(registry.unquarantine("sample").error().reason, "not_quarantined");
  EXPECT_EQ(info(registry, drop_in_ / "sample.so").state, PluginState::ready);
}

TEST_F(IsolationTest, TheLastFaultIsRemembered) {
  Registry registry(options());
  EXPECT_FALSE(info(registry, drop_in_ / "sample.so").last_fault);
  (void)call(registry, "crash");
  const auto fault = info(registry, drop_in_ / "sample.so").last_fault;
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->reason, "plugin_fault");
  EXPECT_THAT(fault->message, testing::HasSubstr("signal 6"));
  EXPECT_GT(fault->at, 0);
}

TEST_F(IsolationTest, ACrashedChildIsNotStartedAgainAtOnce) {
  Registry registry(options());
  (void)call(registry, "crash");
  (void)call(registry, "crash");  // waits for the first pause; the second is longer
  const Error hasty =
      call(registry, "answer", {.time_limit = std::chrono::milliseconds(5)}).error();
  EXPECT_EQ(hasty.reason, "plugin_restarting");
  EXPECT_EQ(hasty.kind, ErrorKind::unavailable);
  EXPECT_EQ(*call(registry, "answer"), 1) << "a patient call is served";
  EXPECT_EQ(info(registry, drop_in_ / "sample.so").faults, 2u);
}

TEST_F(IsolationTest, CancellationReachesThePluginAndIsNoFault) {
  class Services : public HostServices {
   public:
    explicit Services(const CancelFlag& cancelled) : cancelled_(cancelled) {}
    Result<Json> call(std::string_view, const Json&) override {
      asked.set_value_once();
      return Json(cancelled_.load());
    }
    struct Once {
      std::promise<void> promise;
      std::atomic<bool> done{false};
      void set_value_once() {
        if (!done.exchange(true)) promise.set_value();
      }
    } asked;

   private:
    const CancelFlag& cancelled_;
  };
  Registry registry(options());
  CancelFlag cancelled{false};
  Services services(cancelled);
  CallOptions with{
      .time_limit = std::chrono::seconds(30), .services = &services, .cancelled = &cancelled};
  auto result =
      std::async(std::launch::async, [&] { return call(registry, "until_cancelled", with); });
  services.asked.promise.get_future().wait();
  cancelled = true;
  EXPECT_EQ(result.get().error().reason, "cancelled");
  EXPECT_EQ(info(registry, drop_in_ / "sample.so").faults, 0u);
}

TEST_F(IsolationTest, CancellationEndsAPluginThatDoesNotLook) {
  Registry registry(options());
  CancelFlag cancelled{true};
  const Result<Json> result =
      call(registry, "hang", {.time_limit = std::chrono::seconds(60), .cancelled = &cancelled});
  EXPECT_EQ(result.error().reason, "cancelled");
}

TEST_F(IsolationTest, TheChildStartsWithTheFirstCallAndLeavesWhenIdle) {
  RegistryOptions quick = options();
  quick.child_idle_limit = std::chrono::milliseconds(100);
  Registry registry(quick);
  const pid_t child = call(registry, "pid")->get<pid_t>();
  EXPECT_TRUE(eventually([&] { return !is_alive(child); }));
  EXPECT_NE(call(registry, "pid")->get<pid_t>(), child);
}

TEST_F(IsolationTest, ChildrenGoWithTheRegistry) {
  pid_t child = 0;
  {
    Registry registry(options());
    child = call(registry, "pid")->get<pid_t>();
    EXPECT_TRUE(is_alive(child));
  }
  EXPECT_FALSE(is_alive(child));
}

}  // namespace
}  // namespace rolesync::plugin
