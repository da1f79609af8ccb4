// SPDX-License-Identifier: Apache-2.0
// The way back from an update of ourselves that was not confirmed: the role's files are those of
// the old agent again, and the task's record says so. Works from a kept copy of the old program,
// without a server and without plugins. The caller holds the state lock; one thread.
#pragma once
#include <string>

#include "host/agent/config.hpp"
#include "host/agent/self_update/attempt.hpp"
#include "host/values/result.hpp"

namespace rolesync::agent {

// Idempotent: may be killed at any point and begun again. Afterwards there is no attempt, whatever
// the Error: the task goes on with its own way back, and reports when that is not possible either.
Status fall_back(const AgentConfig& config, const Attempt& attempt, const std::string& cause);

// At the start of any process but the one on trial: undoes an update that was not confirmed. The
// value is the path of the old program, which is to run then; empty: there was nothing to undo.
Result<std::string> undo_unconfirmed(const AgentConfig& config);

}  // namespace rolesync::agent
