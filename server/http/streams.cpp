// SPDX-License-Identifier: Apache-2.0
#include "server/http/streams.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "host/values/secret.hpp"

namespace rolesync::http {
namespace {

using Clock = std::chrono::steady_clock;

struct Expected {
  std::string node_id;
  Clock::time_point until;
  StreamOwner owner;
  std::function<void()> on_expired;
};

}  // namespace

struct StreamBroker::State {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, Expected> expected;
  bool stopping = false;
  std::thread thread;

  std::vector<Expected> take_expired(Clock::time_point now) {
    std::vector<Expected> out;
    for (auto it = expected.begin(); it != expected.end();) {
      if (!stopping && it->second.until > now) {
        ++it;
        continue;
      }
      out.push_back(std::move(it->second));
      it = expected.erase(it);
    }
    return out;
  }

  Clock::time_point next_expiry() const {
    auto next = Clock::time_point::max();
    for (const auto& [id, entry] : expected) next = std::min(next, entry.until);
    return next;
  }

  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      const auto next = next_expiry();
      if (!stopping && next == Clock::time_point::max()) {
        changed.wait(lock);
      } else if (!stopping) {
        changed.wait_until(lock, next);
      }
      const std::vector<Expected> expired = take_expired(Clock::now());
      const bool last = stopping;
      lock.unlock();
      for (const Expected& entry : expired) {
        if (entry.on_expired) entry.on_expired();
      }
      if (last) return;
      lock.lock();
    }
  }
};

StreamBroker::StreamBroker() : state_(std::make_unique<State>()) {
  state_->thread = std::thread([state = state_.get()] { state->run(); });
}

StreamBroker::~StreamBroker() {
  {
    std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    state_->changed.notify_all();
  }
  state_->thread.join();
}

std::string StreamBroker::expect(std::string node_id, std::chrono::milliseconds time_to_live,
                                 StreamOwner owner, std::function<void()> on_expired) {
  std::string id = new_id("str");
  std::lock_guard lock(state_->mutex);
  state_->expected[id] = {std::move(node_id), Clock::now() + time_to_live, std::move(owner),
                          std::move(on_expired)};
  state_->changed.notify_all();
  return id;
}

Result<StreamOwner> StreamBroker::claim(const std::string& node_id, const std::string& stream_id) {
  std::lock_guard lock(state_->mutex);
  const auto found = state_->expected.find(stream_id);
  if (found == state_->expected.end() || found->second.node_id != node_id ||
      found->second.until <= Clock::now()) {
    return Error{ErrorKind::not_found, "stream_unknown",
                 "No such stream is expected from this node (any more)",
                 "a stream id is good once and for a short time; wait for a new command"};
  }
  StreamOwner owner = std::move(found->second.owner);
  state_->expected.erase(found);
  return owner;
}

bool StreamBroker::withdraw(const std::string& stream_id) {
  Expected gone;  // what the functions hold is released after the lock
  std::lock_guard lock(state_->mutex);
  const auto found = state_->expected.find(stream_id);
  if (found == state_->expected.end()) return false;
  gone = std::move(found->second);
  state_->expected.erase(found);
  return true;
}

}  // namespace rolesync::http
