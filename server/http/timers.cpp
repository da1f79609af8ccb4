// SPDX-License-Identifier: Apache-2.0
#include "server/http/timers.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>

namespace rolesync::http {

Timers::Timers() : descriptor_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  if (descriptor_ < 0) throw std::runtime_error("no timer descriptor");
}

Timers::~Timers() {
  ::close(descriptor_);
}

void Timers::at(Deadline when, std::uint64_t id) {
  std::lock_guard lock(mutex_);
  const bool first = entries_.empty() || when < entries_.top().first;
  entries_.emplace(when, id);
  if (first) arm();
}

std::vector<std::uint64_t> Timers::due() {
  std::vector<std::uint64_t> out;
  std::lock_guard lock(mutex_);
  std::uint64_t ticks = 0;
  [[maybe_unused]] const auto n = ::read(descriptor_, &ticks, sizeof ticks);
  const Deadline now = std::chrono::steady_clock::now();
  while (!entries_.empty() && entries_.top().first <= now) {
    out.push_back(entries_.top().second);
    entries_.pop();
  }
  arm();
  return out;
}

void Timers::arm() {
  itimerspec spec{};
  if (!entries_.empty()) {
    const auto left = entries_.top().first - std::chrono::steady_clock::now();
    const auto ns = std::max<std::int64_t>(
        1, std::chrono::duration_cast<std::chrono::nanoseconds>(left).count());
    spec.it_value = {ns / 1'000'000'000, ns % 1'000'000'000};
  }
  ::timerfd_settime(descriptor_, 0, &spec, nullptr);
}

}  // namespace rolesync::http
