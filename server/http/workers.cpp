// SPDX-License-Identifier: Apache-2.0
#include "server/http/workers.hpp"

namespace rolesync::http {

struct Workers::State {
  std::size_t max_queued;
  int most_others;  // how many of the lane `others` may run at a time
  mutable std::mutex mutex;
  std::condition_variable wake, idle;
  std::deque<std::function<void()>> nodes, others;
  int running = 0, running_others = 0;
  bool stopping = false;

  bool ready_for_others() const { return !others.empty() && running_others < most_others; }

  void work() {
    std::unique_lock lock(mutex);
    for (;;) {
      wake.wait(lock, [&] { return stopping || !nodes.empty() || ready_for_others(); });
      const bool other = nodes.empty();
      if (other && !ready_for_others()) return;  // stopping, and nothing left for this thread
      auto& queue = other ? others : nodes;
      std::function<void()> job = std::move(queue.front());
      queue.pop_front();
      ++running;
      running_others += other ? 1 : 0;
      lock.unlock();
      job();
      job = nullptr;  // what it holds goes before the count does
      lock.lock();
      --running;
      running_others -= other ? 1 : 0;
      if (other && !others.empty()) wake.notify_one();
      if (running == 0 && nodes.empty() && others.empty()) idle.notify_all();
    }
  }
};

Workers::Workers(int total, int reserved, std::size_t max_queued)
    : state_(std::make_shared<State>()), total_(total) {
  state_->max_queued = max_queued;
  state_->most_others = total - reserved;
}

Workers::~Workers() {
  stop(Deadline::max());
}

void Workers::start() {
  for (int i = 0; i < total_; ++i) {
    threads_.emplace_back([state = state_] { state->work(); });
  }
}

bool Workers::submit(Lane lane, std::function<void()> job) {
  std::lock_guard lock(state_->mutex);
  auto& queue = lane == Lane::nodes ? state_->nodes : state_->others;
  if (state_->stopping || queue.size() >= state_->max_queued) return false;
  queue.push_back(std::move(job));
  state_->wake.notify_one();
  return true;
}

std::size_t Workers::queued() const {
  std::lock_guard lock(state_->mutex);
  return state_->nodes.size() + state_->others.size();
}

bool Workers::stop(Deadline deadline) {
  if (threads_.empty()) return true;
  bool idle = false;
  {
    std::unique_lock lock(state_->mutex);
    const auto done = [&] {
      return state_->running == 0 && state_->nodes.empty() && state_->others.empty();
    };
    if (deadline == Deadline::max()) {
      state_->idle.wait(lock, done);
      idle = true;
    } else {
      idle = state_->idle.wait_until(lock, deadline, done);
    }
    state_->stopping = true;
    if (!idle) {
      state_->nodes.clear();
      state_->others.clear();
    }
    state_->wake.notify_all();
  }
  for (std::thread& thread : threads_) idle ? thread.join() : thread.detach();
  threads_.clear();
  return idle;
}

}  // namespace rolesync::http
