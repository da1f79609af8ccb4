// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/provider.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace rolesync::plugin {
namespace {

constexpr std::size_t most_parallel_calls = 64;
constexpr std::chrono::milliseconds cancel_poll{100};
constexpr std::chrono::milliseconds usual_time_limit{5'000};

std::chrono::milliseconds time_limit(const Provided& provided, std::string_view method,
                                     const CallOptions& options) {
  if (options.time_limit.count() > 0) return options.time_limit;
  const auto declared = provided.timeouts.find(std::string(method));
  if (declared == provided.timeouts.end()) return usual_time_limit;
  return std::chrono::seconds(declared->second);
}

}  // namespace

Provider::Provider(Provided provided, Factory make)
    : provided_(std::move(provided)),
      make_(std::move(make)),
      limit_(provided_.parallel ? most_parallel_calls : 1) {}

Result<Json> Provider::call(std::string_view method, const Json& request,
                            const CallOptions& options, bool& fault) {
  CallContext context{provided_, Clock::now() + time_limit(provided_, method, options),
                      options.services, options.cancelled};
  Result<std::unique_ptr<Instance>> instance = acquire(context.deadline, options.cancelled);
  if (!instance) return instance.error();
  Result<Json> result = (*instance)->call(method, request, context);
  fault = context.fault;
  release(fault ? nullptr : std::move(*instance));
  return result;
}

Result<std::unique_ptr<Instance>> Provider::acquire(Clock::time_point deadline,
                                                    const CancelFlag* cancelled) {
  {
    std::unique_lock lock(mutex_);
    while (busy_ >= limit_) {
      if (cancelled && cancelled->load()) {
        return Error{ErrorKind::conflict, "cancelled", "the call was cancelled"};
      }
      const auto now = Clock::now();
      if (now >= deadline) {
        return Error{ErrorKind::timeout, "plugin_busy",
                     provided_.kind + " " + provided_.id +
                         " was busy with other calls until the time of this one was over"};
      }
      freed_.wait_until(lock, cancelled ? std::min(deadline, now + cancel_poll) : deadline);
    }
    ++busy_;
    if (!idle_.empty()) {
      std::unique_ptr<Instance> instance = std::move(idle_.back().instance);
      idle_.pop_back();
      return instance;
    }
  }
  Result<std::unique_ptr<Instance>> made = make_();
  if (!made) release(nullptr);
  return made;
}

void Provider::release(std::unique_ptr<Instance> instance) {
  const std::lock_guard lock(mutex_);
  --busy_;
  if (instance) idle_.push_back({std::move(instance), Clock::now()});
  freed_.notify_one();
}

void Provider::drop_idle_since(Clock::time_point when) {
  std::vector<Idle> dropped;  // declared before the lock: ended without it, which may take a moment
  const std::lock_guard lock(mutex_);
  const auto old = std::partition(idle_.begin(), idle_.end(),
                                  [&](const Idle& entry) { return entry.since > when; });
  std::move(old, idle_.end(), std::back_inserter(dropped));
  idle_.erase(old, idle_.end());
}

}  // namespace rolesync::plugin
