// SPDX-License-Identifier: Apache-2.0
#include "host/agent/keyed_workers.hpp"

#include <pthread.h>

#include <algorithm>

namespace rolesync::agent {

namespace {
// How often one that waits for work shows that it would notice some.
constexpr std::chrono::seconds kIdle{20};
constexpr std::chrono::seconds kIdleGrace{60};
}  // namespace

KeyedWorkers::KeyedWorkers(const char* name, std::size_t threads, Liveness* liveness,
                           std::chrono::seconds longest_job)
    : name_(name), most_(threads), liveness_(liveness), longest_job_(longest_job) {}

KeyedWorkers::~KeyedWorkers() {
  stop();
  for (std::thread& thread : threads_) thread.join();
}

void KeyedWorkers::add(std::string key, std::function<void()> job) {
  std::lock_guard lock(mutex_);
  jobs_.push_back({std::move(key), std::move(job)});
  if (jobs_.size() > free_ && threads_.size() < most_ && !stopping_) start_one();
  changed_.notify_all();
}

void KeyedWorkers::start_one() {
  Liveness::Thread* life = liveness_ ? &liveness_->add(name_) : nullptr;
  threads_.emplace_back([this, life] { run(life); });
  ::pthread_setname_np(threads_.back().native_handle(), name_);
}

void KeyedWorkers::stop() {
  std::lock_guard lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
}

void KeyedWorkers::run(Liveness::Thread* life) {
  std::unique_lock lock(mutex_);
  const auto next = [this] {
    return std::find_if(jobs_.begin(), jobs_.end(),
                        [this](const Job& job) { return !busy_.count(job.key); });
  };
  for (;;) {
    const auto wanted = [&] { return stopping_ || next() != jobs_.end(); };
    ++free_;
    if (!life) {
      changed_.wait(lock, wanted);
    } else {
      do {
        life->expect(kIdle + kIdleGrace);
      } while (!changed_.wait_for(lock, kIdle, wanted));
    }
    --free_;
    if (stopping_) {
      if (life) life->rest();
      return;
    }
    auto it = next();
    Job job = std::move(*it);
    jobs_.erase(it);
    busy_.insert(job.key);
    lock.unlock();
    if (life) life->expect(longest_job_);
    job.work();
    lock.lock();
    busy_.erase(job.key);
    changed_.notify_all();
  }
}

}  // namespace rolesync::agent
