// SPDX-License-Identifier: Apache-2.0
#include "host/agent/observer.hpp"

#include <nlohmann/json.hpp>

namespace rolesync::agent {
namespace {

// So many plugins may hang at the same time before others wait for them.
constexpr std::size_t kThreads = 4;

Observation not_yet() {
  Observation observation;
  observation.detection.reason = "detection_pending";
  observation.detection.evidence = std::make_shared<Json>(Json::object());
  return observation;
}

}  // namespace

Observer::~Observer() {
  cancelled_ = true;
  workers_.reset();
}

void Observer::begin(const std::string& role, const std::string& plugin, Ask ask) {
  {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[role];
    if (entry.asking || entry.fresh) return;
    entry.asking = true;
    entry.overdue = false;
    if (!workers_) workers_ = std::make_unique<KeyedWorkers>("observe", kThreads);
  }
  workers_->add(plugin, [this, role, ask = std::move(ask)] { answered(role, ask(cancelled_)); });
}

void Observer::answered(const std::string& role, Observation observation) {
  bool late = false;
  {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[role];
    late = std::exchange(entry.overdue, false);
    entry.asking = false;
    entry.fresh = true;
    entry.answer = std::move(observation);
    arrived_.notify_all();
  }
  if (late && !cancelled_) late_();
}

Observation Observer::take(const std::string& role, Clock::time_point until) {
  std::unique_lock lock(mutex_);
  Entry& entry = entries_[role];
  if (!entry.overdue) {
    arrived_.wait_until(lock, until, [&] { return !entry.asking; });
    entry.overdue = entry.asking;
  }
  entry.fresh = false;
  return entry.answer ? *entry.answer : not_yet();
}

}  // namespace rolesync::agent
