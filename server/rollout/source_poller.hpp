// SPDX-License-Identifier: Apache-2.0
// Looks at every code source now and then, for the time that a hook is lost. Each source has its
// own interval and is looked at up to a tenth earlier or later, so that many servers and sources do
// not ask at once. One thread: the engine's.
#pragma once
#include <functional>
#include <map>
#include <random>
#include <string>

#include "server/store/sources.hpp"
#include "server/store/store.hpp"

namespace rolesync::rollout {

class SourcePoller {
 public:
  using Poll = std::function<void(const std::string& source)>;
  SourcePoller(store::Store& store, Poll poll) : store_(store), poll_(std::move(poll)) {}

  void tick(Millis now);

 private:
  struct Turn {
    std::int64_t seconds = 0;
    Millis due = 0;
  };
  Millis next(std::int64_t seconds, Millis after);

  store::Store& store_;
  const Poll poll_;
  std::map<std::string, Turn> turns_;
  Millis looked_at_ = 0;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace rolesync::rollout
