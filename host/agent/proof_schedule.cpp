// SPDX-License-Identifier: Apache-2.0
#include "host/agent/proof_schedule.hpp"

#include <algorithm>
#include <string>

#include "host/values/hash.hpp"

namespace rolesync::agent {
namespace {

constexpr std::chrono::microseconds kCheap{2000};
constexpr std::chrono::minutes kWatchedInterval{10};
constexpr std::chrono::hours kDay{24};
constexpr int kShareOfACore = 1000;

}  // namespace

std::chrono::seconds until_daily_proof(std::string_view node, std::string_view role, Millis now) {
  constexpr std::uint64_t day = 86'400;
  const std::string name = sha256_hex(std::string(node) + "/" + std::string(role)).substr(0, 15);
  const std::uint64_t moment = std::stoull(name, nullptr, 16) % day;
  const std::uint64_t today = static_cast<std::uint64_t>(std::max<Millis>(now, 0)) / 1000 % day;
  return std::chrono::seconds((moment + day - today) % day);
}

ProofSchedule::Due ProofSchedule::due(Time now, bool heartbeat) const {
  if (full_wanted_ && !reading_ && (heartbeat || !proved_once_)) return Due::full;
  if (!proved_once_) return full_wanted_ ? Due::no : Due::stats;
  const auto since = now - last_;
  const auto affordable = cost_ * kShareOfACore;
  if (heartbeat && now >= daily_ && !reading_) return Due::full;
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
  if (how == Due::full) full_wanted_ = reading_ = false;
  if (!proved_once_) {
    daily_ = now + until_daily_;
  } else {
    while (how == Due::full && daily_ <= now) daily_ += kDay;
  }
  proved_once_ = true;
}

}  // namespace rolesync::agent
