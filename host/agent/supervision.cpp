// SPDX-License-Identifier: Apache-2.0
#include "host/agent/supervision.hpp"

#include <algorithm>

#include "host/agent/log.hpp"
#include "host/services/service_manager.hpp"

namespace rolesync::agent {
namespace {

using std::chrono::microseconds;
constexpr std::chrono::seconds kMoreTime{10};
constexpr microseconds kLongestPause = std::chrono::seconds(5);

microseconds pause() {
  const auto limit = watchdog_limit();
  return limit ? std::min(*limit / 3, kLongestPause) : kLongestPause;
}

}  // namespace

StartInProgress::StartInProgress()
    : thread_([this] {
        std::unique_lock lock(mutex_);
        do {
          tell_service_manager(
              "STATUS=Starting: ends what was interrupted\n"
              "EXTEND_TIMEOUT_USEC=30000000\nWATCHDOG=1");
        } while (!ended_.wait_for(lock, kMoreTime, [this] { return over_; }));
      }) {}

StartInProgress::~StartInProgress() {
  {
    std::lock_guard lock(mutex_);
    over_ = true;
    ended_.notify_all();
  }
  thread_.join();
}

Supervision::Supervision(const Liveness& liveness, std::function<std::string()> status)
    : liveness_(liveness), status_(std::move(status)), thread_([this] { run(); }) {}

Supervision::~Supervision() {
  {
    std::lock_guard lock(mutex_);
    over_ = true;
    ended_.notify_all();
  }
  thread_.join();
}

void Supervision::run() {
  tell_service_manager("READY=1");
  std::unique_lock lock(mutex_);
  do {
    tell();
  } while (!ended_.wait_for(lock, pause(), [this] { return over_; }));
}

void Supervision::tell() {
  const std::vector<std::string> hanging = liveness_.overdue(Liveness::Clock::now());
  if (!hanging.empty()) {
    if (!hangs_) log_event(LogLevel::error, "agent.hangs", {{"thread", hanging.front()}});
    hangs_ = true;
    return;  // who watches over us starts us again
  }
  hangs_ = false;
  std::string state = "WATCHDOG=1";
  std::string status = status_();
  if (status != told_) state += "\nSTATUS=" + status;
  told_ = std::move(status);
  tell_service_manager(state);
}

}  // namespace rolesync::agent
