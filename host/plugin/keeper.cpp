// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/keeper.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace rolesync::plugin {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds quiet_time{60};       // no event for this long: writing is over
constexpr milliseconds longest_wait{1'000};  // look anyway when events do not end
constexpr milliseconds child_look{1'000};    // how often idle children are looked at

}  // namespace

Keeper::Keeper(Duties duties)
    : duties_(std::move(duties)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Keeper::~Keeper() {
  stopping_ = true;
  wake();
  if (thread_.joinable()) thread_.join();
}

void Keeper::start() {
  thread_ = std::thread([this] { run(); });
}

void Keeper::start_watching() {
  watch_directories();
  watching_ = true;
  wake();
}

void Keeper::watch_directories() {
  for (const auto& directory : duties_.directories) watch_.add(directory);
}

void Keeper::wake() {
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
}

void Keeper::run() {
  auto next_scan = Clock::now() + duties_.rescan_interval;
  bool children = false;
  while (!stopping_) {
    auto nap = std::min(duties_.rescan_interval, duties_.child_idle_limit / 2);
    if (children) nap = std::min(nap, child_look);
    const bool events = wait_for_events(std::max(nap, milliseconds(10)));
    if (stopping_) return;
    if (watching_ && (events || Clock::now() >= next_scan)) {
      watch_directories();  // before looking: what comes into a new one afterwards is told
      duties_.scan();
      next_scan = Clock::now() + duties_.rescan_interval;
    }
    children = duties_.tidy();
  }
}

// True when the directories changed; events are gathered until they pause.
bool Keeper::wait_for_events(milliseconds nap) {
  std::array<pollfd, 2> fds{{{wake_.get(), POLLIN, 0}, {watching_ ? watch_.fd() : -1, POLLIN, 0}}};
  ::poll(fds.data(), fds.size(), static_cast<int>(nap.count()));
  if (fds[0].revents) {
    std::uint64_t count;
    (void)!::read(wake_.get(), &count, sizeof count);
  }
  if (!fds[1].revents || !watch_.drain()) return false;
  const auto until = Clock::now() + longest_wait;
  while (!stopping_ && Clock::now() < until) {
    if (::poll(fds.data(), fds.size(), static_cast<int>(quiet_time.count())) == 0) break;
    if (fds[0].revents) break;
    watch_.drain();
  }
  return true;
}

}  // namespace rolesync::plugin
