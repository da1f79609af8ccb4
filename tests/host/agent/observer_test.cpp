// SPDX-License-Identifier: Apache-2.0
// A plugin that takes its time keeps nobody waiting, and its answer is not lost.
#include "host/agent/observer.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace rolesync::agent {
namespace {

using Clock = Observer::Clock;
using std::chrono::seconds;

Observation saying(const std::string& state) {
  Observation observation;
  observation.detection.state = state;
  return observation;
}

class ObserverTest : public ::testing::Test {
 protected:
  // An answer that comes when the test lets it come.
  Observer::Ask gated(const std::string& state) {
    return [this, state](const CancelFlag& cancelled) {
      ++asked;
      while (!open && !cancelled) std::this_thread::yield();
      return saying(cancelled ? "cancelled" : state);
    };
  }
  static Observer::Ask at_once(const std::string& state) {
    return [state](const CancelFlag&) { return saying(state); };
  }
  std::atomic<bool> open{false};
  std::atomic<int> asked{0}, late{0};
  std::promise<void> told;
  Observer observer{[this] {
    if (late++ == 0) told.set_value();
  }};
};

TEST_F(ObserverTest, AnAnswerInTimeIsTaken) {
  observer.begin("web", "p", at_once("active"));
  EXPECT_EQ(observer.take("web", Clock::now() + seconds(20)).detection.state, "active");
  EXPECT_EQ(late, 0);
}

TEST_F(ObserverTest, ALookGoesOnWithoutASlowAnswerAndHearsOfItLater) {
  observer.begin("web", "p", gated("active"));
  const Observation first = observer.take("web", Clock::now());
  EXPECT_EQ(first.detection.state, "unknown");
  EXPECT_EQ(first.detection.reason, "detection_pending");
  observer.begin("web", "p", gated("active"));         // the next look: not asked a second time
  observer.take("web", Clock::now() + seconds(3600));  // and not waited for a second time
  open = true;
  ASSERT_EQ(told.get_future().wait_for(seconds(20)), std::future_status::ready);
  observer.begin("web", "p", gated("never asked"));  // the look that was called for
  EXPECT_EQ(observer.take("web", Clock::now() + seconds(20)).detection.state, "active");
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(late, 1);
}

TEST_F(ObserverTest, WhileItIsAskedTheAnswerBeforeStands) {
  observer.begin("web", "p", at_once("active"));
  observer.take("web", Clock::now() + seconds(20));
  observer.begin("web", "p", gated("inactive"));
  EXPECT_EQ(observer.take("web", Clock::now()).detection.state, "active");
}

TEST_F(ObserverTest, OtherPluginsAndRolesGoOn) {
  observer.begin("web", "hangs", gated("active"));
  observer.begin("api", "fine", at_once("active"));
  EXPECT_EQ(observer.take("api", Clock::now() + seconds(20)).detection.state, "active");
}

TEST_F(ObserverTest, TheEndCancelsWhatIsBeingAsked) {
  std::atomic<bool> began{false};
  auto own = std::make_unique<Observer>([] {});
  own->begin("web", "p", [&](const CancelFlag& cancelled) {
    began = true;
    while (!cancelled) std::this_thread::yield();
    return saying("");
  });
  while (!began) std::this_thread::yield();
  own.reset();  // returns
}

}  // namespace
}  // namespace rolesync::agent
