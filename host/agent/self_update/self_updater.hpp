// SPDX-License-Identifier: Apache-2.0
// Updates the agent that runs, as a role whose files it runs from: the old process hands over to
// the new program, which confirms itself once its server has accepted a heartbeat. A guardian and
// every later start put the old program back when that does not come (docs/decisions/0006).
// Used by the thread of that role's task.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "host/activation/manifest.hpp"
#include "host/agent/config.hpp"
#include "host/agent/event_queue.hpp"
#include "host/agent/self_update/attempt.hpp"
#include "host/agent/task.hpp"
#include "host/process/child.hpp"
#include "host/values/result.hpp"

namespace rolesync::agent {

class SelfUpdater {
 public:
  struct Parts {
    const AgentConfig& config;
    EventQueue& events;
    const CancelFlag& stopping;            // the agent ends; the record is left as it is
    std::function<bool()> reached_server;  // by this process
    std::function<void()> restart;         // the program at our path, as this process
  };
  explicit SelfUpdater(Parts parts);

  static bool concerns(const Role& role) { return role.self == SelfUpdate::agent; }

  // Before the switch. Afterwards whoever starts in the middle puts the old program back. Does
  // nothing when we do not run from the role's target. Errors: self_update_first_install,
  // self_update_incomplete, and those of writing.
  Status prepare(const TaskRecord& record, const Manifest& next);
  // After the switch, in the old process: does not return before the agent stops, unless the new
  // program cannot be started at all. In the new process: returns once it is confirmed.
  // Error: self_update_unconfirmed with the cause.
  Status restart(const TaskRecord& record);
  // Once the old files are in place again: makes sure that the old program runs.
  Status return_to_old();
  void forget();  // the task has ended

 private:
  Status try_program() const;
  Status start_guardian(const Attempt& attempt) const;
  Status hand_over(Attempt attempt);
  Status confirm(const Attempt& attempt);
  void restart_and_wait();
  Error unconfirmed(const std::string& cause) const;

  Parts parts_;
  AttemptStore store_;
  const std::string program_;                 // our path, as we were started
  const std::vector<std::string> arguments_;  // and how
};

// The path that this process was started from, and its arguments.
std::string our_program();
std::vector<std::string> our_arguments();

}  // namespace rolesync::agent
