// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/leadership.hpp"

#include <spdlog/spdlog.h>

namespace rolesync::rollout {

constexpr const char* lease_name = "leader";

bool Leadership::ask() {
  if (!store_.shared()) return true;
  const auto now = LeaseWatch::Clock::now();
  if (now - looked_at_ >= lease_moves_every) {
    looked_at_ = now;
    look(now);
  }
  return held_.has_value();
}

void Leadership::look(LeaseWatch::Clock::time_point now) {
  if (held_) {
    const auto renewed =
        store_.write([&](store::Session& s) { return store::renew_server_lease(s, *held_); });
    if (renewed && *renewed) return;
    held_.reset();  // until it is known to be held again
    spdlog::warn("event=leadership_lost");
    return;
  }
  const auto seen =
      store_.read([](store::Session& s) { return store::find_server_lease(s, lease_name); });
  if (!seen) return;
  if (*seen && !watch_.may_take(lease_name, {(*seen)->owner, (*seen)->fence, (*seen)->beat}, now)) {
    return;
  }
  auto taken = store_.write([&](store::Session& s) {
    return store::take_server_lease(s, lease_name, store_.server(), *seen);
  });
  if (!taken || !*taken) return;
  held_ = std::move(*taken);
  watch_.forget(lease_name);
  spdlog::info("event=leadership_taken server={}", store_.server());
}

void Leadership::give_up() {
  if (!held_) return;
  const Status given =
      store_.write([&](store::Session& s) { return store::give_up_server_lease(s, *held_); });
  if (!given) spdlog::warn("leadership not given up: {}", given.error().text());
  held_.reset();
}

}  // namespace rolesync::rollout
