// SPDX-License-Identifier: Apache-2.0
#include "host/agent/proof_schedule.hpp"

#include <algorithm>

namespace rolesync::agent {
namespace {

constexpr std::chrono::microseconds kCheap{2000};
constexpr std::chrono::minutes kWatchedInterval{10};
constexpr std::chrono::hours kFullInterval{24};
constexpr int kShareOfACore = 1000;

}  // namespace

ProofSchedule::Due ProofSchedule::due(Time now, bool heartbeat) const {
  if (!proved_once_) return full_wanted_ ? Due::full : Due::stats;
  const auto since = now - last_;
  const auto affordable = cost_ * kShareOfACore;
  if (heartbeat && now - last_full_ >= kFullInterval) return Due::full;
  if (touched_) return Due::touched;
  if (!heartbeat) return Due::no;
  if (watched_) {
    return since >= std::max<Time::duration>(kWatchedInterval, affordable) ? Due::stats : Due::no;
  }
  return cost_ < kCheap || since >= affordable ? Due::stats : Due::no;
}

void ProofSchedule::proved(Time now, std::chrono::microseconds cost, Due how) {
  touched_ = false;
  if (how == Due::touched && proved_once_) return;  // not a look at everything
  last_ = now;
  // A daily full reading is not what the next look will cost.
  if (how != Due::full) cost_ = cost;
  if (how == Due::full || !proved_once_) last_full_ = now;
  proved_once_ = true;
}

}  // namespace rolesync::agent
