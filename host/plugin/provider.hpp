// SPDX-License-Identifier: Apache-2.0
// One (kind, id) of one plugin file, with the instances that serve its calls: one, behind which
// calls queue, or as many as there are calls at once if the descriptor says so. Any thread.
#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "host/plugin/instance.hpp"

namespace rolesync::plugin {

class Provider {
 public:
  using Clock = CallContext::Clock;
  using Factory = std::function<Result<std::unique_ptr<Instance>>()>;
  Provider(Provided provided, Factory make);

  const Provided& provided() const { return provided_; }

  // When a call that begins now must be over.
  Clock::time_point deadline(std::string_view method, const CallOptions& options) const;

  // `fault` becomes true when the plugin crashed, hung or broke the protocol. A new instance after
  // a fault is made after a pause, which grows with the faults in a row.
  Result<Json> call(std::string_view method, const Json& request, const CallOptions& options,
                    Clock::time_point deadline, bool& fault);

  // Ends instances that nobody has used since then, and those that have grown too large. True
  // while others are kept.
  bool tidy(Clock::time_point unused_since);

 private:
  struct Idle {
    std::unique_ptr<Instance> instance;
    Clock::time_point since;
  };
  Result<std::unique_ptr<Instance>> acquire(Clock::time_point deadline,
                                            const CancelFlag* cancelled);
  // Waits for a moment in which an instance may be taken or made. Holds the lock.
  Status wait_for_turn(std::unique_lock<std::mutex>& lock, Clock::time_point deadline,
                       const CancelFlag* cancelled);
  void release(std::unique_ptr<Instance> instance, bool fault);

  const Provided provided_;
  const Factory make_;
  const std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<Idle> idle_;
  std::size_t busy_ = 0;
  int faults_in_a_row_ = 0;
  Clock::time_point next_start_;  // no instance is made before
};

}  // namespace rolesync::plugin
