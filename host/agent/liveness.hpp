// SPDX-License-Identifier: Apache-2.0
// Whether our threads still get on: each says by when it will be heard of again, and whoever asks
// is told which have not kept to it. Any thread.
#pragma once
#include <atomic>
#include <chrono>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace rolesync::agent {

class Liveness {
 public:
  using Clock = std::chrono::steady_clock;

  class Thread {
   public:
    explicit Thread(std::string name) : name_(std::move(name)) {}
    void expect(std::chrono::seconds within) {
      due_ = (Clock::now() + within).time_since_epoch().count();
    }
    void rest() { due_ = kNever; }  // waits for work, or is gone

   private:
    friend class Liveness;
    static constexpr Clock::rep kNever = Clock::duration::max().count();
    const std::string name_;
    std::atomic<Clock::rep> due_{kNever};
  };

  // Lives as long as this object.
  Thread& add(std::string name) {
    std::lock_guard lock(mutex_);
    return threads_.emplace_back(std::move(name));
  }

  std::vector<std::string> overdue(Clock::time_point now) const {
    std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const Thread& thread : threads_) {
      if (thread.due_ < now.time_since_epoch().count()) names.push_back(thread.name_);
    }
    return names;
  }

 private:
  mutable std::mutex mutex_;
  std::deque<Thread> threads_;
};

}  // namespace rolesync::agent
