// SPDX-License-Identifier: Apache-2.0
// A plugin file that is replaced a thousand times while it is called from all sides. Made for the
// sanitizers (label `sanitized`): what is wrong here is seldom seen otherwise.
#include <atomic>
#include <thread>
#include <vector>

#include "tests/host/plugin/plugin_fixture.hpp"

namespace rolesync::plugin {
namespace {

constexpr int kReloads = 1'000;
constexpr int kCallers = 3;

class ReloadTest : public PluginFixture {
 protected:
  // Calls until `ended`; every call is answered by one of the two versions.
  static void call_on(Registry& registry, const std::atomic<bool>& ended,
                      std::atomic<std::uint64_t>& calls) {
    while (!ended) {
      const auto answer = registry.call("detector", "sample", "answer", Json::object());
      ASSERT_TRUE(answer.ok()) << answer.error().text();
      ASSERT_TRUE(*answer == 1 || *answer == 2) << *answer;
      const auto echo = registry.call("detector", "sample_parallel", "echo", {{"a", 1}});
      ASSERT_TRUE(echo.ok()) << echo.error().text();
      for (const PluginInfo& info : registry.plugins()) ASSERT_FALSE(info.sha256.empty());
      calls += 2;
    }
  }
};

TEST_F(ReloadTest, AThousandTimesUnderLoad) {
  const auto file = packaged_ / "sample.so";
  put(sample("v1"), file);
  Registry registry(options());
  std::atomic<int> generations{0};
  registry.on_change([&] { ++generations; });
  std::atomic<bool> ended{false};
  std::atomic<std::uint64_t> calls{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&] { call_on(registry, ended, calls); });
  }
  for (int i = 1; i <= kReloads; ++i) {
    const std::uint64_t before = calls;
    put(sample(i % 2 == 1 ? "v2" : "v1"), file);
    registry.rescan();
    EXPECT_EQ(*registry.call("detector", "sample", "answer", Json::object()), i % 2 + 1);
    ASSERT_TRUE(eventually([&] { return calls > before; }));
  }
  EXPECT_GE(generations, kReloads);

  // The same by the watcher, which rescans on a thread of its own.
  registry.start_watching();
  for (int i = 1; i <= 20; ++i) {
    put(sample(i % 2 == 1 ? "v2" : "v1"), file);
    const Json wanted = i % 2 + 1;
    ASSERT_TRUE(eventually(
        [&] { return *registry.call("detector", "sample", "answer", Json::object()) == wanted; }));
  }
  ended = true;
  for (std::thread& caller : callers) caller.join();
  registry.on_change({});
}

}  // namespace
}  // namespace rolesync::plugin
