// SPDX-License-Identifier: Apache-2.0
// How often somebody may ask: a bucket for each token and each node, which fills up again with
// time, and one for each address of what was refused as unauthenticated. A neighbour behind the
// same address who guesses tokens therefore keeps nobody out. Any thread.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace rolesync::http {

struct RateLimitOptions {
  // Each a minute; a third of it may come at once. 0: no limit.
  int requests_of_token = 3'000;
  int requests_of_node = 6'000;
  int refused_of_address = 120;
};

class RateLimits {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Kind { token, node, refused };

  explicit RateLimits(
      RateLimitOptions options,
      std::function<Clock::time_point()> now = [] { return Clock::now(); });

  // Nothing: go on, it is counted. Otherwise how long to wait, and it is not counted.
  std::optional<std::chrono::seconds> take(Kind kind, const std::string& who);
  std::size_t size() const;  // buckets that are not full

  // The address of "127.0.0.1:4711"; of IPv6 the network (/64), as one machine has all of it.
  static std::string address_of(const std::string& peer);

 private:
  int per_minute(Kind kind) const;
  void sweep(Clock::time_point now);

  const RateLimitOptions options_;
  const std::function<Clock::time_point()> now_;
  mutable std::mutex mutex_;
  // By when the bucket is full again.
  std::unordered_map<std::string, Clock::time_point> full_at_;
  std::size_t sweep_at_ = 1'024;
};

}  // namespace rolesync::http
