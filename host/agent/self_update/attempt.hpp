// SPDX-License-Identifier: Apache-2.0
// An update of the agent by itself that is not confirmed yet, as the disk remembers it, and the
// program it came from. As long as the record is there, whoever starts and is not the new agent on
// trial puts the old one back; removing it is what confirms the new one. One writer at a time.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "host/agent/config.hpp"
#include "host/role/role.hpp"
#include "host/services/process_identity.hpp"
#include "host/values/result.hpp"

namespace rolesync::agent {

struct Attempt {
  std::string task_id;
  Role role;                           // whose files we run from
  std::string program;                 // our own path, in the role's target
  std::vector<std::string> arguments;  // how we were started
  bool supervised = false;             // systemd starts us again when we end
  // Once the new program is to be tried: the process that becomes it.
  std::optional<ProcessIdentity> process;

  bool is_this_process() const;
};

class AttemptStore {
 public:
  explicit AttemptStore(const AgentConfig& config)
      : directory_(config.state_dir + "/self_update") {}

  // Nothing when no update is under way. Error: failed/state_unreadable, invalid/state_damaged.
  Result<std::optional<Attempt>> load() const;
  Status save(const Attempt& attempt);
  // On return it is certain that the record is gone. The kept program goes too.
  Status remove();

  // A copy of the program that runs now, which needs nothing of the role's files.
  Status keep_program();
  std::string kept_program() const { return directory_ + "/rolesync-agent"; }

 private:
  std::string path() const { return directory_ + "/attempt.json"; }
  const std::string directory_;
};

}  // namespace rolesync::agent
