// SPDX-License-Identifier: Apache-2.0
// When a role's files have to be looked at again. Watched by the kernel: what was touched at once,
// and everything every ten minutes anyway. Not watched: at every heartbeat while that is cheap, and
// never so often that it costs more than a thousandth of a core. Everything is read again once a
// day, at a time of day of the node's and the role's own, and after a boot that followed no clean
// end. Pure; one thread.
#pragma once
#include <chrono>
#include <string_view>

#include "host/values/timestamp.hpp"

namespace rolesync::agent {

// How long it is from `now` to the moment of the day at which this role of this node is read again.
// The moments of a fleet are spread over the day, and a restart of the agent does not move them.
std::chrono::seconds until_daily_proof(std::string_view node, std::string_view role, Millis now);

class ProofSchedule {
 public:
  using Time = std::chrono::steady_clock::time_point;
  enum class Due { no, touched, stats, full };

  // `until_daily`: from the first proof to the first daily one.
  ProofSchedule(bool full_first, std::chrono::seconds until_daily)
      : full_wanted_(full_first), until_daily_(until_daily) {}

  void touched() { touched_ = true; }
  void watched(bool completely) { watched_ = completely; }
  // `heartbeat`: it is the regular look, not one in between.
  Due due(Time now, bool heartbeat) const;
  void proved(Time now, std::chrono::microseconds cost, Due how);
  // All is being read elsewhere, and is not due again meanwhile.
  void reading(bool is) { reading_ = is; }

 private:
  bool touched_ = false, watched_ = false, proved_once_ = false, full_wanted_ = false;
  bool reading_ = false;
  const std::chrono::seconds until_daily_;
  Time last_{}, daily_{};  // daily_: when all is to be read next
  std::chrono::microseconds cost_{0};
};

}  // namespace rolesync::agent
