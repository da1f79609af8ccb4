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

  // `fault` becomes true when the plugin crashed, hung or broke the protocol.
  Result<Json> call(std::string_view method, const Json& request, const CallOptions& options,
                    bool& fault);

  // Ends instances that nobody has used since then.
  void drop_idle_since(Clock::time_point when);

 private:
  struct Idle {
    std::unique_ptr<Instance> instance;
    Clock::time_point since;
  };
  Result<std::unique_ptr<Instance>> acquire(Clock::time_point deadline,
                                            const CancelFlag* cancelled);
  void release(std::unique_ptr<Instance> instance);

  const Provided provided_;
  const Factory make_;
  const std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<Idle> idle_;
  std::size_t busy_ = 0;
};

}  // namespace rolesync::plugin
