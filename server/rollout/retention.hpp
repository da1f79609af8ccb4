// SPDX-License-Identifier: Apache-2.0
// How long what has happened is kept, and forgetting what is older. Called by the engine's thread.
#pragma once
#include <cstdint>
#include <functional>

#include "host/values/timestamp.hpp"
#include "server/store/store.hpp"

namespace rolesync::rollout {

struct RetentionSettings {
  int jobs_days = 365;  // ended jobs, with their tasks, output and approvals
  int events_days = 30;
  std::int64_t most_events = 100'000;
  int audit_days = 0;  // 0: for ever
};

// In small transactions, so that nobody waits long for the database; goes on until all is done or
// `stopping` says so.
Status forget_old(store::Store& store, const RetentionSettings& settings, Millis now,
                  const std::function<bool()>& stopping);

}  // namespace rolesync::rollout
