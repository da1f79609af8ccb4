// SPDX-License-Identifier: Apache-2.0
#include "host/agent/pace.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace rolesync::agent {

Pace::Pace(std::uint32_t seed, Clock::time_point now) : random_(seed), filled_at_(now) {
  random_.discard(8);  // of small seeds that follow each other the first numbers do so too
}

void Pace::set_interval(std::chrono::seconds interval) {
  interval_ = std::clamp(interval, std::chrono::seconds(1), std::chrono::seconds(60));
}

std::chrono::seconds Pace::next_wait() {
  const auto whole = static_cast<double>(interval_.count());
  const double least = std::exchange(first_, false) ? 0 : whole * 0.8;
  const double wait = std::uniform_real_distribution<double>(least, whole)(random_);
  return std::chrono::seconds(std::max<std::int64_t>(1, std::llround(wait)));
}

std::chrono::milliseconds Pace::hold(Clock::time_point now) {
  const double passed = std::chrono::duration<double>(now - filled_at_).count();
  filled_at_ = now;
  stock_ = std::min(stock_ + passed * kPerSecond, kStock) - 1;
  if (stock_ >= 0) return std::chrono::milliseconds(0);
  return std::chrono::milliseconds(static_cast<std::int64_t>(-stock_ / kPerSecond * 1000) + 1);
}

}  // namespace rolesync::agent
