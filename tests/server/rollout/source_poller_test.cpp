// SPDX-License-Identifier: Apache-2.0
// When code sources are looked at, with times given by the test.
#include "server/rollout/source_poller.hpp"

#include <gtest/gtest.h>

#include "tests/server/store/temporary_store.hpp"

namespace rolesync::rollout {
namespace {

class SourcePollerTest : public store::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    poller_ = std::make_unique<SourcePoller>(store(),
                                             [this](const std::string& name) { ++polls_[name]; });
  }
  void save(const std::string& name, std::int64_t seconds) {
    store::CodeSource source;
    source.name = name;
    source.transport = "file";
    source.repository = "/srv/" + name;
    source.branch = "main";
    source.poll_seconds = seconds;
    ASSERT_TRUE(store().write(
        [&](store::Session& s) { return store::save_source(s, source, std::nullopt); }));
  }
  // Every half second, as the engine does.
  void pass(Millis seconds) {
    for (const Millis end = now_ + seconds * 1000; now_ < end; now_ += 500) poller_->tick(now_);
  }

  Millis now_ = 1'800'000'000'000;
  std::map<std::string, int> polls_;
  std::unique_ptr<SourcePoller> poller_;
};

TEST_F(SourcePollerTest, EachSourceHasItsIntervalAndNoneStartsAtOnce) {
  save("often", 10);
  save("seldom", 1000);
  save("never", 0);
  pass(8);
  EXPECT_TRUE(polls_.empty());
  pass(992);
  EXPECT_GE(polls_["often"], 70);   // up to 11 s apart, looked for every 2 s
  EXPECT_LE(polls_["often"], 112);  // 9 s at least
  pass(200);
  EXPECT_EQ(polls_["seldom"], 1);
  EXPECT_EQ(polls_["never"], 0);
}

TEST_F(SourcePollerTest, AChangedIntervalCountsSoon) {
  save("main", 86'400);
  pass(60);
  save("main", 10);
  pass(60);
  EXPECT_GE(polls_["main"], 3);
  save("main", 0);
  pass(4);
  const int before = polls_["main"];
  pass(100);
  EXPECT_EQ(polls_["main"], before);
}

TEST_F(SourcePollerTest, AClockThatIsPutBackDoesNotStopIt) {
  save("main", 10);
  pass(30);
  polls_.clear();
  now_ -= Millis{3'600'000};
  pass(60);
  EXPECT_GE(polls_["main"], 3);
}

}  // namespace
}  // namespace rolesync::rollout
