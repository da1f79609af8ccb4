// SPDX-License-Identifier: Apache-2.0
#include "server/http/rate_limits.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include "host/values/hash.hpp"

namespace rolesync::http {

RateLimits::RateLimits(RateLimitOptions options, std::function<Clock::time_point()> now)
    : options_(options), now_(std::move(now)) {}

int RateLimits::per_minute(Kind kind) const {
  switch (kind) {
    case Kind::token:
      return options_.requests_of_token;
    case Kind::node:
      return options_.requests_of_node;
    case Kind::refused:
      break;
  }
  return options_.refused_of_address;
}

std::optional<std::chrono::seconds> RateLimits::take(Kind kind, const std::string& who) {
  using std::chrono::ceil, std::chrono::seconds;
  const int rate = per_minute(kind);
  if (rate <= 0) return std::nullopt;
  const Clock::duration each = Clock::duration(std::chrono::minutes(1)) / rate;
  const Clock::duration most = each * std::max(1, rate / 3);
  const Clock::time_point now = now_();
  const std::lock_guard lock(mutex_);
  Clock::time_point& full = full_at_[std::to_string(static_cast<int>(kind)) + who];
  full = std::max(full, now);
  const Clock::duration over = full + each - now - most;
  if (over > Clock::duration::zero()) return std::max(seconds(1), ceil<seconds>(over));
  full += each;
  sweep(now);
  return std::nullopt;
}

// A full bucket is as good as none. Looked for when their number has doubled.
void RateLimits::sweep(Clock::time_point now) {
  if (full_at_.size() < sweep_at_) return;
  std::erase_if(full_at_, [&](const auto& bucket) { return bucket.second <= now; });
  sweep_at_ = std::max<std::size_t>(1'024, 2 * full_at_.size());
}

std::size_t RateLimits::size() const {
  const std::lock_guard lock(mutex_);
  return full_at_.size();
}

std::string RateLimits::address_of(const std::string& peer) {
  std::string address = peer.substr(0, peer.rfind(':'));
  if (!address.starts_with('[')) return address;
  address = address.substr(1, address.find(']') - 1);
  in6_addr bytes{};
  if (inet_pton(AF_INET6, address.c_str(), &bytes) != 1) return address;
  if (IN6_IS_ADDR_V4MAPPED(&bytes)) return address;
  return to_hex({reinterpret_cast<const char*>(&bytes), 8});
}

}  // namespace rolesync::http
