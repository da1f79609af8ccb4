// SPDX-License-Identifier: Apache-2.0
// When a role's files have to be looked at again. Watched by the kernel: what was touched at once,
// and everything every ten minutes anyway. Not watched: at every heartbeat while that is cheap, and
// never so often that it costs more than a thousandth of a core. Everything is read again once a
// day and after a boot that followed no clean end. Pure; one thread.
#pragma once
#include <chrono>

namespace rolesync::agent {

class ProofSchedule {
 public:
  using Time = std::chrono::steady_clock::time_point;
  enum class Due { no, touched, stats, full };

  explicit ProofSchedule(bool full_first) : full_wanted_(full_first) {}

  void touched() { touched_ = true; }
  void watched(bool completely) { watched_ = completely; }
  // `heartbeat`: it is the regular look, not one in between.
  Due due(Time now, bool heartbeat) const;
  void proved(Time now, std::chrono::microseconds cost, Due how);

 private:
  bool touched_ = false, watched_ = false, proved_once_ = false, full_wanted_ = false;
  Time last_{}, last_full_{};
  std::chrono::microseconds cost_{0};
};

}  // namespace rolesync::agent
