// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/provider.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace rolesync::plugin {
namespace {

constexpr std::size_t most_parallel_calls = 64;
constexpr std::chrono::milliseconds cancel_poll{100};
constexpr std::chrono::milliseconds usual_time_limit{5'000};
constexpr std::chrono::milliseconds first_pause{100}, longest_pause{10'000};

std::chrono::milliseconds pause_after(int faults) {
  auto pause = first_pause;
  for (int i = 1; i < faults && pause < longest_pause; ++i) pause *= 4;
  return std::min(pause, longest_pause);
}

}  // namespace

Provider::Provider(Provided provided, Factory make)
    : provided_(std::move(provided)),
      make_(std::move(make)),
      limit_(provided_.parallel ? most_parallel_calls : 1) {}

Provider::Clock::time_point Provider::deadline(std::string_view method,
                                               const CallOptions& options) const {
  const auto now = Clock::now();
  if (options.time_limit.count() > 0) return now + options.time_limit;
  const auto declared = provided_.timeouts.find(std::string(method));
  if (declared == provided_.timeouts.end()) return now + usual_time_limit;
  return now + std::chrono::seconds(declared->second);
}

Result<Json> Provider::call(std::string_view method, const Json& request,
                            const CallOptions& options, Clock::time_point deadline, bool& fault) {
  CallContext context{provided_, deadline, options.services, options.cancelled,
                      options.cancel_grace};
  Result<std::unique_ptr<Instance>> instance = acquire(deadline, options.cancelled);
  if (!instance) {
    fault = instance.error().reason == "plugin_fault";
    return instance.error();
  }
  Result<Json> result = (*instance)->call(method, request, context);
  fault = context.fault;
  release(fault ? nullptr : std::move(*instance), fault);
  return result;
}

Result<std::unique_ptr<Instance>> Provider::acquire(Clock::time_point deadline,
                                                    const CancelFlag* cancelled) {
  {
    std::unique_lock lock(mutex_);
    if (Status turn = wait_for_turn(lock, deadline, cancelled); !turn) return turn.error();
    ++busy_;
    if (!idle_.empty()) {
      std::unique_ptr<Instance> instance = std::move(idle_.back().instance);
      idle_.pop_back();
      return instance;
    }
  }
  Result<std::unique_ptr<Instance>> made = make_();
  if (!made) release(nullptr, made.error().reason == "plugin_fault");
  return made;
}

Status Provider::wait_for_turn(std::unique_lock<std::mutex>& lock, Clock::time_point deadline,
                               const CancelFlag* cancelled) {
  for (;;) {
    const auto now = Clock::now();
    const bool full = busy_ >= limit_;
    const bool pausing = !full && idle_.empty() && now < next_start_;
    if (!full && !pausing) return {};
    if (cancelled && cancelled->load()) {
      return Error{ErrorKind::conflict, "cancelled", "the call was cancelled"};
    }
    const std::string name = provided_.kind + " " + provided_.id;
    if (pausing && next_start_ >= deadline) {
      return Error{ErrorKind::unavailable, "plugin_restarting",
                   name +
                       " failed a moment ago and is not started again before this call's time "
                       "is over"};
    }
    if (now >= deadline) {
      return Error{ErrorKind::timeout, "plugin_busy",
                   name + " was busy with other calls until the time of this one was over"};
    }
    auto until = pausing ? next_start_ : deadline;
    if (cancelled) until = std::min(until, now + cancel_poll);
    freed_.wait_until(lock, until);
  }
}

void Provider::release(std::unique_ptr<Instance> instance, bool fault) {
  const std::lock_guard lock(mutex_);
  --busy_;
  if (fault) {
    next_start_ = Clock::now() + pause_after(++faults_in_a_row_);
  } else if (instance) {
    faults_in_a_row_ = 0;
    idle_.push_back({std::move(instance), Clock::now()});
  }
  freed_.notify_one();
}

bool Provider::tidy(Clock::time_point unused_since) {
  std::vector<Idle> dropped;  // declared before the lock: ended without it, which may take a moment
  const std::lock_guard lock(mutex_);
  const auto old = std::partition(idle_.begin(), idle_.end(), [&](const Idle& entry) {
    return entry.since > unused_since && !entry.instance->must_go();
  });
  std::move(old, idle_.end(), std::back_inserter(dropped));
  idle_.erase(old, idle_.end());
  return !idle_.empty();
}

}  // namespace rolesync::plugin
