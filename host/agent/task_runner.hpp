// SPDX-License-Identifier: Apache-2.0
// Carries out the second half of a task: asks the task machine for the next step, does it, writes
// down where it is, and tells the server. Goes on after our own death from the step in the record.
// One thread per task; the caller sees to it that only one task switches a target at a time.
#pragma once
#include <chrono>
#include <string>
#include <string_view>

#include "host/activation/installation.hpp"
#include "host/agent/prover.hpp"
#include "host/agent/role_plugins.hpp"
#include "host/agent/self_update/self_updater.hpp"
#include "host/agent/task.hpp"
#include "host/agent/task_events.hpp"

namespace rolesync::agent {

class TaskRunner {
 public:
  struct Parts {
    const AgentConfig& config;
    RolePlugins& plugins;
    Prover& prover;
    Units& units;
    Ports& ports;
    Clock& clock;
    TaskStore& store;
    TaskEvents& events;
    SelfUpdater& self_updater;
    const CancelFlag& stopping;  // the agent ends: commands are not waited for
  };
  // `manifest` is that of the task's content; resume() does not need it. `record` and
  // `installation` must outlive the runner.
  TaskRunner(Parts parts, TaskRecord& record, Installation& installation, Manifest manifest);

  void run();     // from the first step
  void resume();  // from the record's step, which may have been done, in part or not at all

 private:
  struct StepResult {
    Status status;
    std::string output;
    std::vector<SavedFile> saved;
  };
  void go_on(Next next);
  StepResult perform(Step step);
  StepResult command(const Role& role, const Command& argv, const char* action, const char* what);
  void tell_output(std::chrono::seconds running, std::string_view tail);
  StepResult switch_files();
  StepResult post_sync();
  StepResult restore_files();
  StepResult restore_commands();
  Status control(const Role& role, const char* action);
  Status restore_service();
  Status check_health(const Role& role);
  void note_failure(const Error& error);
  void finish(End end);
  bool restart_is_pending() const;

  TaskShape shape() const;
  const Role& old_role() const;
  bool save();

  Parts parts_;
  TaskRecord& record_;
  Installation& installation_;
  Manifest manifest_;
};

}  // namespace rolesync::agent
