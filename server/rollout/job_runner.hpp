// SPDX-License-Identifier: Apache-2.0
// Runs jobs: feeds the rollout machine of server/domain with what agents report and with time, and
// carries out what it asks for. Every step is written before it is told to a node, so a server that
// dies goes on where it was. One thread at a time takes a job's steps; what others report meanwhile
// goes into its next step, so that ten thousand nodes cost few of them. Any thread.
//
// Of several servers on one database the one that holds a job's lease runs it. A step is written
// only under the lease's number, so a holder that was thought dead changes nothing any more.
#pragma once
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/domain/rollout.hpp"
#include "server/rollout/commands.hpp"
#include "server/rollout/event_log.hpp"
#include "server/rollout/lease_watch.hpp"
#include "server/rollout/node_registry.hpp"
#include "server/rollout/running_job.hpp"
#include "server/rollout/task_events.hpp"
#include "server/store/store.hpp"

namespace rolesync::rollout {

class JobRunner {
 public:
  JobRunner(store::Store& store, Commands& commands, NodeRegistry& nodes, EventLog& events,
            domain::RolloutLimits limits);

  // After a start of the server: goes on with the jobs that have not ended.
  Status resume();
  // A job that JobDesk has written. Nothing when another server runs it already.
  Status begin(const std::string& job_id);
  // What an operator wants. Errors: not_found/unknown_job, conflict/job_ended,
  // conflict/job_waits_for_approval, and those of
  // RunningJob::act.
  Status act(const std::string& job_id, const JobAction& action);
  // What the agent of `node` says about its tasks; all or nothing is taken. Known ones and those
  // about tasks nobody knows any more are fine. Errors: denied/task_of_other_node.
  Status report(const std::string& node, const std::vector<ReportedEvent>& events);
  // Time passes.
  void tick();
  // Other servers have written what agents said about this task, or have taken or given up this
  // job.
  void task_told(const std::string& task_id);
  void job_told(const std::string& job_id);
  // Reads what might have been missed of both.
  void read_again();
  // The server stops: others need not wait for the leases' end.
  void give_up_leases();
  std::vector<std::string> running() const;  // here

 private:
  struct Entry {
    explicit Entry(RunningJob running) : job(std::move(running)) {}
    RunningJob job;
    bool stepping = false;                // a thread takes its steps
    std::uint64_t wanted = 0, taken = 0;  // steps; behind while one is written, or cannot be
  };
  using EntryPointer = std::shared_ptr<Entry>;
  using Lock = std::unique_lock<std::mutex>;
  enum class Wait { no, yes };  // for a step that another thread has to take
  Status step(Lock& lock, const EntryPointer& entry, Wait wait);
  Status take_step(Lock& lock, Entry& entry);
  void step_all(Lock& lock, const std::vector<EntryPointer>& entries);
  void tell(const JobStep& step);
  void forget(const RunningJob& job);
  Result<bool> claim(const std::string& job_id, std::optional<std::int64_t> stale_fence);
  Status bring_here(Lock& lock, const std::string& job_id);
  Status begin(Lock& lock, const std::string& job_id, std::optional<std::int64_t> stale_fence);
  void look_after_leases();
  void renew_leases();
  static Status keep_event(store::Session& session, const std::string& node,
                           const ReportedEvent& event, Millis now, std::string& role);

  store::Store& store_;
  Commands& commands_;
  NodeRegistry& nodes_;
  EventLog& events_;
  const domain::RolloutLimits limits_;
  mutable std::mutex mutex_;  // not held while the store writes
  std::condition_variable stepped_;
  std::map<std::string, EntryPointer> jobs_;  // those that have not ended
  struct Place {
    EntryPointer entry;
    std::size_t task = 0;
  };
  std::unordered_map<std::string, Place> place_of_;  // by task
  LeaseWatch watch_;                                 // of tick
  LeaseWatch::Clock::time_point leases_seen_{};
};

}  // namespace rolesync::rollout
