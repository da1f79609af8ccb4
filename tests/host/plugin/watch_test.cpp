// SPDX-License-Identifier: Apache-2.0
// Plugins come, change and go while the registry runs.
#include <atomic>
#include <thread>

#include "tests/host/plugin/plugin_fixture.hpp"

namespace rolesync::plugin {
namespace {

class WatchTest : public PluginFixture, public testing::WithParamInterface<bool> {
 protected:
  std::filesystem::path file() const { return (GetParam() ? drop_in_ : packaged_) / "sample.so"; }
  RegistryOptions patient() const {  // only events may tell, not the regular look
    RegistryOptions given = options();
    given.rescan_interval = std::chrono::hours(1);
    return given;
  }
  static bool answers(Registry& registry, int expected) {
    const auto answer = registry.call("detector", "sample", "answer", Json::object());
    return answer.ok() && *answer == expected;
  }
};

INSTANTIATE_TEST_SUITE_P(, WatchTest, testing::Bool(), [](const auto& instance) {
  return instance.param ? "isolated" : "inline";
});

TEST_P(WatchTest, ADroppedInFileAppearsIsReplacedAndGoes) {
  Registry registry(patient());
  std::atomic<int> changes{0};
  registry.on_change([&] { ++changes; });
  registry.start_watching();
  EXPECT_FALSE(registry.has("detector", "sample"));

  copy(sample("v1"), file());  // as cp does
  EXPECT_TRUE(eventually([&] { return answers(registry, 1); }));
  put(sample("v2"), file());  // as mv does
  EXPECT_TRUE(eventually([&] { return answers(registry, 2); })) << "the old code still answers";
  copy(sample("v1_other"), file());  // written over the file in place: the loaded copy is private
  EXPECT_TRUE(eventually([&] { return answers(registry, 11); }));
  std::filesystem::remove(file());
  EXPECT_TRUE(eventually([&] { return !registry.has("detector", "sample"); }));
  EXPECT_TRUE(eventually([&] { return changes >= 4; }));
}

TEST_P(WatchTest, ADirectoryMadeLaterIsWatchedToo) {
  Registry registry(patient());
  registry.start_watching();
  const auto later = file().parent_path() / "detector";
  std::filesystem::create_directory(later);
  put(sample("v1"), later / "sample.so");
  EXPECT_TRUE(eventually([&] { return answers(registry, 1); }));
  put(sample("v2"), later / "sample.so");
  EXPECT_TRUE(eventually([&] { return answers(registry, 2); }));
}

TEST_P(WatchTest, ALinkedFileIsNoticedAtOnce) {
  Registry registry(patient());
  registry.start_watching();
  put(sample("v1"), root_ / "elsewhere.so");
  std::filesystem::create_hard_link(root_ / "elsewhere.so", file());
  EXPECT_TRUE(eventually([&] { return answers(registry, 1); }));
  std::filesystem::create_symlink(root_ / "elsewhere.so", file().parent_path() / "link.so");
  EXPECT_TRUE(eventually([&] { return registry.plugins().size() == 2; }));
  EXPECT_EQ(info(registry, file().parent_path() / "link.so").reason, "symlink_refused");
}

TEST_P(WatchTest, PluginDirectoriesThatComeLaterAreFoundByTheirParents) {
  RegistryOptions given = patient();
  const auto deep = root_ / "one" / "two" / "plugins";
  (GetParam() ? given.drop_in_directories : given.packaged_directories) = {deep};
  Registry registry(given);
  registry.start_watching();
  std::filesystem::create_directories(deep);
  put(sample("v1"), deep / "sample.so");
  EXPECT_TRUE(eventually([&] { return answers(registry, 1); }));
  std::filesystem::remove_all(root_ / "one");
  EXPECT_TRUE(eventually([&] { return !registry.has("detector", "sample"); }));
  std::filesystem::create_directories(deep);
  put(sample("v2"), deep / "sample.so");
  EXPECT_TRUE(eventually([&] { return answers(registry, 2); }));
}

TEST_P(WatchTest, TheRegularLookFindsWhatNoEventTold) {
  RegistryOptions often = options();
  often.rescan_interval = std::chrono::milliseconds(50);
  const auto parent = file().parent_path();
  std::filesystem::remove(parent);
  Registry registry(often);
  registry.start_watching();
  std::filesystem::create_directory(parent);
  put(sample("v1"), file());
  EXPECT_TRUE(eventually([&] { return answers(registry, 1); }));
}

TEST_P(WatchTest, CallsGoOnWhilePluginsAreReplaced) {
  put(sample("v1"), file());
  Registry registry(patient());
  std::atomic<bool> stop{false};
  std::atomic<int> served{0}, wrong{0};
  std::thread caller([&] {
    while (!stop) {
      const auto answer = registry.call("detector", "sample", "answer", Json::object());
      const bool fine = answer.ok() && (*answer == 1 || *answer == 2);
      ++(fine ? served : wrong);
    }
  });
  for (int round = 0; round < 10; ++round) {
    const int before = served;
    put(sample(round % 2 ? "v1" : "v2"), file());
    registry.rescan();
    EXPECT_TRUE(answers(registry, round % 2 ? 1 : 2));
    EXPECT_TRUE(eventually([&] { return served > before; }));
  }
  stop = true;
  caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST_P(WatchTest, PrivateCopiesAreRemovedWhenNobodyUsesThem) {
  put(sample("v1"), file());
  Registry registry(patient());
  for (const char* variant : {"v2", "v1", "v2", "v1_other"}) {
    put(sample(variant), file());
    registry.rescan();
  }
  const auto count = [&] {
    registry.rescan();
    return std::distance(std::filesystem::directory_iterator(root_ / "private"), {});
  };
  EXPECT_TRUE(eventually([&] { return count() == 1; }));
}

}  // namespace
}  // namespace rolesync::plugin
