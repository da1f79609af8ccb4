// SPDX-License-Identifier: Apache-2.0
// What has to be right before anything else happens: every switch that was interrupted is ended,
// so that no service starts on a half tree. `rolesync-agent recover` is just this. Start-up only.
#pragma once
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

// A mark that this process runs on this boot. True when an earlier one was left by another boot:
// the machine did not end cleanly.
bool begin_run(const AgentConfig& config, const std::string& boot_id);
void end_run(const AgentConfig& config);

}  // namespace rolesync::agent
