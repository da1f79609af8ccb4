// SPDX-License-Identifier: Apache-2.0
// What has to be right before anything else happens: every switch that was interrupted is ended,
// so that no service starts on a half tree. `rolesync-agent recover` is just this. Start-up only.
#pragma once
#include <optional>
#include <string>

#include "host/agent/installations.hpp"
#include "host/process/unique_fd.hpp"
#include "host/values/result.hpp"

namespace rolesync::agent {

// All roles are tried; the Error is that of the first that could not be recovered.
Status recover_installations(Installations& installations);

// Only one agent per state directory. Error: conflict/agent_running.
Result<UniqueFd> lock_state(const AgentConfig& config);

// What an agent that was killed had no time to remove: its lists and private files, and records
// that were being replaced. With the lock held, before anything of ours is started.
void remove_leftovers(const AgentConfig& config);

// The number of the process that has that lock; nothing when nobody has. Only looks: trying the
// lock would get in the way of an agent that starts.
std::optional<std::string> lock_holder(const AgentConfig& config);

// The state directory has a form that this agent knows. Error: conflict/state_newer. A newer agent
// must not raise the number before it is confirmed (self_update), or there is no way back.
Status check_state_format(const AgentConfig& config);

// A mark that this process runs on this boot. True when an earlier one was left by another boot:
// the machine did not end cleanly.
bool begin_run(const AgentConfig& config, const std::string& boot_id);
void end_run(const AgentConfig& config);

}  // namespace rolesync::agent
