// SPDX-License-Identifier: Apache-2.0
// When the next heartbeat goes: how long a poll waits at the server, spread so that agents that
// start together do not stay together, and how many polls may follow each other, so that a server
// that answers at once and says nothing is not asked without end. One thread.
#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace rolesync::agent {

class Pace {
 public:
  using Clock = std::chrono::steady_clock;
  explicit Pace(std::uint32_t seed, Clock::time_point now);

  // What the server says; from 1 to 60 seconds.
  void set_interval(std::chrono::seconds interval);
  // How long the next poll waits. The first one is cut at any point of the interval; later ones by
  // up to a fifth.
  std::chrono::seconds next_wait();

  // How long to hold back before the next poll; zero nearly always. Each poll takes one of a stock
  // of 20 that fills up by four a second.
  std::chrono::milliseconds hold(Clock::time_point now);
  // It brought something, so it does not count.
  void refund() { stock_ = std::min(stock_ + 1, kStock); }

 private:
  static constexpr double kStock = 20, kPerSecond = 4;
  std::minstd_rand random_;
  std::chrono::seconds interval_{25};
  bool first_ = true;
  double stock_ = kStock;
  Clock::time_point filled_at_;
};

}  // namespace rolesync::agent
