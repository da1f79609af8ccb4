// SPDX-License-Identifier: Apache-2.0
#include "host/agent/keyed_workers.hpp"

#include <pthread.h>

#include <algorithm>

namespace rolesync::agent {

KeyedWorkers::KeyedWorkers(const char* name, std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { run(); });
    ::pthread_setname_np(threads_.back().native_handle(), name);
  }
}

KeyedWorkers::~KeyedWorkers() {
  stop();
  for (std::thread& thread : threads_) thread.join();
}

void KeyedWorkers::add(std::string key, std::function<void()> job) {
  std::lock_guard lock(mutex_);
  jobs_.push_back({std::move(key), std::move(job)});
  changed_.notify_all();
}

void KeyedWorkers::stop() {
  std::lock_guard lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
}

void KeyedWorkers::run() {
  std::unique_lock lock(mutex_);
  const auto next = [this] {
    return std::find_if(jobs_.begin(), jobs_.end(),
                        [this](const Job& job) { return !busy_.count(job.key); });
  };
  for (;;) {
    changed_.wait(lock, [&] { return stopping_ || next() != jobs_.end(); });
    if (stopping_) return;
    auto it = next();
    Job job = std::move(*it);
    jobs_.erase(it);
    busy_.insert(job.key);
    lock.unlock();
    job.work();
    lock.lock();
    busy_.erase(job.key);
    changed_.notify_all();
  }
}

}  // namespace rolesync::agent
