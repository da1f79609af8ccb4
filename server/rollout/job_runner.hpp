// SPDX-License-Identifier: Apache-2.0
// Runs jobs: feeds the rollout machine of server/domain with what agents report and with time, and
// carries out what it asks for. Every step is written before it is told to a node, so a server that
// dies goes on where it was. Any thread.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/domain/rollout.hpp"
#include "server/rollout/commands.hpp"
#include "server/rollout/event_log.hpp"
#include "server/rollout/node_registry.hpp"
#include "server/rollout/task_events.hpp"
#include "server/store/jobs.hpp"
#include "server/store/store.hpp"

namespace rolesync::rollout {

class JobRunner {
 public:
  JobRunner(store::Store& store, Commands& commands, NodeRegistry& nodes, EventLog& events,
            domain::RolloutLimits limits);

  // After a start of the server: goes on with the jobs that have not ended.
  Status resume();
  // A job that JobDesk has written.
  Status begin(const std::string& job_id);
  // Nothing new is started. Errors: not_found/unknown_job, conflict/job_ended.
  Status cancel(const std::string& job_id);
  // What the agent of `node` says about its tasks; all or nothing is taken. Known ones and those
  // about tasks nobody knows any more are fine. Errors: denied/task_of_other_node.
  Status report(const std::string& node, const std::vector<ReportedEvent>& events);
  // Time passes.
  void tick();
  std::vector<std::string> running() const;

 private:
  struct Job {
    store::SyncJob record;
    std::vector<store::SyncTask> tasks;
    domain::Rollout rollout;
  };
  Result<Job> load(const std::string& job_id) const;
  Status step(Job& job);  // advances and writes; on an error the job is as before
  Status write(store::Session& session, const Job& job, const Job& before,
               const std::vector<store::CommandRecord>& commands,
               const std::vector<std::string>& dropped, Millis now);
  void tell(const Job& job, const Job& before);
  static Status keep_event(store::Session& session, const std::string& node,
                           const ReportedEvent& event, Millis now, std::string& role);
  Job* job_of(const std::string& task_id, std::size_t& index);

  store::Store& store_;
  Commands& commands_;
  NodeRegistry& nodes_;
  EventLog& events_;
  const domain::RolloutLimits limits_;
  mutable std::mutex mutex_;
  std::map<std::string, Job> jobs_;            // those that have not ended
  std::map<std::string, std::string> job_of_;  // task -> job
};

}  // namespace rolesync::rollout
