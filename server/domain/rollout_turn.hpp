// SPDX-License-Identifier: Apache-2.0
// Whose turn it is in a rollout: which tasks may be staged, which may be switched. Pure; any
// thread.
#pragma once
#include <cstddef>
#include <vector>

#include "server/domain/rollout.hpp"

namespace rolesync::domain {

// Nothing more will come of it, and its place in the batch is free.
bool is_done(const RolloutTask& task);
bool has_begun_to_switch(TaskState state);

// Waits for its node to return; holds up nobody.
bool is_away(const Rollout& rollout, const RolloutTask& task, Millis now, const Observed& observed,
             const RolloutLimits& limits);

// The canaries have ended and what follows them waits for a word.
bool awaits_promotion(const Rollout& rollout, Millis now);

struct Turn {
  std::vector<std::size_t> stage, activate;
};
Turn next_turn(const Rollout& rollout, Millis now, const Observed& observed,
               const RolloutLimits& limits);

}  // namespace rolesync::domain
