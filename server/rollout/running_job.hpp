// SPDX-License-Identifier: Apache-2.0
// One job while it runs: the state of its rollout, what the database knows of it, and so what has
// to be written next. What nodes report may come in while a step is being written. Owned by the
// JobRunner, under its lock.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/domain/rollout.hpp"
#include "server/store/commands.hpp"
#include "server/store/held_contents.hpp"
#include "server/store/jobs.hpp"

namespace rolesync::rollout {

// What is different from what the database knows; written in one transaction.
struct JobStep {
  store::SyncJob record;
  bool state_changed = false;
  std::vector<std::pair<std::size_t, store::SyncTask>> tasks;  // with their place in the job
  std::vector<store::CommandRecord> commands;
  std::vector<store::HeldContent> held;  // what the job's end keeps from automatic runs
  std::vector<std::string> dropped;      // tasks whose open commands are withdrawn
  std::size_t orders = 0;                // how many of those still to be written are in it

  Status write(store::Session& session, Millis now) const;
};

struct JobAction {
  enum class Kind { cancel, pause, resume, promote, skip } kind;
  std::string node;  // for skip
};

class RunningJob {
 public:
  static Result<RunningJob> load(store::Session& session, const std::string& job_id, Millis now);

  const std::string& id() const { return record_.id; }
  std::int64_t lease_fence() const { return record_.lease_fence; }
  const std::vector<store::SyncTask>& tasks() const { return tasks_; }
  bool ended() const;  // and that is written

  // What an operator wants; carried out by the next step. Errors: as in domain/rollout_operator.
  Status act(const JobAction& action, Millis now);
  // False when it changes nothing.
  bool apply(std::size_t task, const domain::TaskReport& report, Millis now);
  // The same of what stands in the database, known or not.
  bool apply(std::size_t task, const std::vector<store::TaskEvent>& events);
  // Lets the rollout go on; nothing when there is nothing to write.
  std::optional<JobStep> next(Millis now, const domain::Observed& observed,
                              const domain::RolloutLimits& limits);
  void written(JobStep step);

 private:
  store::SyncJob record_;
  std::vector<store::SyncTask> tasks_;  // as they are in the database
  domain::Rollout rollout_;             // as they are
  std::vector<domain::Order> orders_;   // given by the rollout, not yet written
};

}  // namespace rolesync::rollout
