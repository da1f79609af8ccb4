// SPDX-License-Identifier: Apache-2.0
// Turns a plan into a job: checks every row against the world as it is now, then writes job, tasks,
// approval, audit and the kept answer in one transaction. Where a policy wants the approval of
// others, the job is written without tasks and waits; with the last approval its rows are checked
// again, and it starts. Any thread.
#pragma once
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "server/domain/schedule.hpp"
#include "server/rollout/planner.hpp"
#include "server/rollout/rollout_options.hpp"
#include "server/store/jobs.hpp"
#include "server/store/store.hpp"

namespace rolesync::rollout {

struct JobOptions {
  std::string on_stale = "refuse";   // refuse, skip
  std::string on_failure = "stop";   // stop, continue, ask
  std::string on_freeze = "refuse";  // refuse, skip
  std::string on_held = "run";       // contents that broke a rollout: run, skip
  std::string override_freeze;       // why freezes do not count; empty: they do
  RolloutOptions rollout;
};

struct JobOrder {
  std::string plan_hash;
  std::optional<std::set<std::string>> only_roles;  // rows of other roles make it a conflict
  JobOptions options;
  std::string requested_by, request_id;
  bool ask = false;  // somebody else has to approve, also when no policy says so
  // Runs in the transaction, before and after: idempotency. The first may give the job of an
  // earlier request instead.
  std::function<Result<std::optional<std::string>>(store::Session&)> earlier;
  std::function<Status(store::Session&, const store::SyncJob&, const std::vector<store::SyncTask>&)>
      keep;
};

struct CheckedRow {
  domain::PlanRow row;
  std::string skip_reason, skip_message;  // empty: it runs
};

class JobDesk {
 public:
  JobDesk(store::Store& store, Planner& planner, RoleCatalog& catalog, NodeRegistry& nodes)
      : store_(store), planner_(planner), catalog_(catalog), nodes_(nodes) {}

  struct Opened {
    std::string job_id;
    bool is_new = true;
    bool waits = false;  // for approval: there is nothing to begin
  };
  // Errors: not_found/unknown_plan; conflict/plan_stale, plan_blocked, plan_of_other_roles,
  // frozen, sync_in_progress.
  Result<Opened> open(const JobOrder& order) const;

  struct Decision {
    std::string by, comment, request_id;
  };
  // Counts an approval of a job that waits; `waits` says whether it still does. The same person
  // again only tries to start what is approved. Errors: those of open() (with plan_stale and
  // plan_blocked the job ends; with others it goes on waiting), unknown_job,
  // conflict/job_not_waiting, denied/approval_by_requester, denied/not_an_approver.
  Result<Opened> approve(const std::string& job_id, const Decision& decision) const;
  // Ends a job that waits. conflict/job_not_waiting.
  Status withdraw(const std::string& job_id, const std::string& reason,
                  const Decision& decision) const;

  // Freezes that have not ended, and whether one keeps a row from running at that time.
  Result<std::vector<domain::Freeze>> freezes(Millis now) const;
  bool holds(const domain::Freeze& freeze, const domain::PlanRow& row, Millis at) const;

 private:
  Status leave_out_held(std::vector<CheckedRow>& rows) const;
  struct Work;  // what a job would do, checked now
  Result<Work> prepare(const JobOrder& order, const std::string& job_id) const;
  Result<Opened> start(const store::SyncJob& waiting, const Decision& decision) const;
  Status end_waiting(const std::string& job_id, const std::string& state, const std::string& reason,
                     const std::string& message) const;
  Status apply_freezes(std::vector<CheckedRow>& rows, const JobOptions& options, Millis now) const;

  store::Store& store_;
  Planner& planner_;
  RoleCatalog& catalog_;
  NodeRegistry& nodes_;
};

// The options of a stored plan's request.
domain::PlanOptions plan_options_from_json(const std::string& request_json);

}  // namespace rolesync::rollout
