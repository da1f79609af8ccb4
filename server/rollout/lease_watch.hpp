// SPDX-License-Identifier: Apache-2.0
// Whose leases stand still. A holder moves its lease on; who sees it unmoved for a while by his own
// clock may take it, so the clocks of servers need not agree. One thread at a time.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <string>

namespace rolesync::rollout {

// How often a lease is moved on, and for how long it must stand still to be taken.
constexpr std::chrono::seconds lease_moves_every{3};
constexpr std::chrono::seconds lease_lives{15};

class LeaseWatch {
 public:
  using Clock = std::chrono::steady_clock;
  struct Seen {
    std::string owner;
    std::int64_t fence = 0, beat = 0;
    bool operator==(const Seen&) const = default;
  };

  // Looks at the lease as it is now. True when it may be taken: nobody has it, or it has not moved.
  bool may_take(const std::string& name, const Seen& seen, Clock::time_point now) {
    if (seen.owner.empty()) return true;
    auto& known = known_[name];
    if (known.first == seen) return now - known.second > lease_lives;
    known = {seen, now};
    return false;
  }
  void forget(const std::string& name) { known_.erase(name); }

 private:
  std::map<std::string, std::pair<Seen, Clock::time_point>> known_;
};

}  // namespace rolesync::rollout
