// SPDX-License-Identifier: Apache-2.0
// A clock that a test turns by hand. Any thread.
#pragma once
#include <atomic>

#include "host/services/clock.hpp"

namespace rolesync {

class FakeClock : public Clock {
 public:
  explicit FakeClock(Millis start) : now_(start) {}
  Millis now() override { return now_; }
  std::chrono::steady_clock::time_point monotonic() override {
    return std::chrono::steady_clock::time_point(std::chrono::milliseconds(passed_.load()));
  }
  std::string boot_id() override { return "fake-boot"; }

  void advance(std::chrono::milliseconds by) { now_ += by.count(), passed_ += by.count(); }
  void jump(Millis to) { now_ = to; }  // the wall clock alone

 private:
  std::atomic<Millis> now_;
  std::atomic<std::int64_t> passed_{0};
};

}  // namespace rolesync
