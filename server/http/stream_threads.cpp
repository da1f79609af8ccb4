// SPDX-License-Identifier: Apache-2.0
#include "server/http/stream_threads.hpp"

#include <condition_variable>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>

namespace rolesync::http {

struct StreamThreads::State {
  std::size_t most;
  mutable std::mutex mutex;
  std::condition_variable ended;
  std::list<std::weak_ptr<Channel>> channels;
  bool stopping = false;
};

StreamThreads::StreamThreads(std::size_t most) : state_(std::make_shared<State>()) {
  state_->most = most;
}

bool StreamThreads::run(const std::shared_ptr<Channel>& channel, std::function<void()> function) {
  std::lock_guard lock(state_->mutex);
  if (state_->stopping || state_->channels.size() >= state_->most) return false;
  const auto entry = state_->channels.insert(state_->channels.end(), channel);
  try {
    std::thread([state = state_, entry, function = std::move(function)]() mutable {
      function();
      function = nullptr;
      std::lock_guard inner(state->mutex);
      state->channels.erase(entry);
      state->ended.notify_all();
    }).detach();
  } catch (const std::system_error&) {
    state_->channels.erase(entry);
    return false;
  }
  return true;
}

std::size_t StreamThreads::count() const {
  std::lock_guard lock(state_->mutex);
  return state_->channels.size();
}

bool StreamThreads::stop(Deadline deadline) {
  std::unique_lock lock(state_->mutex);
  state_->stopping = true;
  for (const auto& entry : state_->channels) {
    if (const auto channel = entry.lock()) channel->shutdown();
  }
  return state_->ended.wait_until(lock, deadline, [&] { return state_->channels.empty(); });
}

}  // namespace rolesync::http
