// SPDX-License-Identifier: Apache-2.0
// Which of several servers on one database does what only one should do: schedules, ending what
// nodes do not end, telling that a node is gone. A server of its own always leads. What a leader
// writes is checked again where it is written, so that two for a moment do no harm. One thread.
#pragma once
#include <optional>

#include "server/rollout/lease_watch.hpp"
#include "server/store/server_leases.hpp"
#include "server/store/store.hpp"

namespace rolesync::rollout {

class Leadership {
 public:
  explicit Leadership(store::Store& store) : store_(store) {}

  // Whether this server leads now; to be asked often.
  bool ask();
  void give_up();  // the next one need not wait

 private:
  void look(LeaseWatch::Clock::time_point now);

  store::Store& store_;
  LeaseWatch watch_;
  LeaseWatch::Clock::time_point looked_at_{};
  std::optional<store::ServerLease> held_;
};

}  // namespace rolesync::rollout
