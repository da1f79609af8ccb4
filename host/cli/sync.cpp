// SPDX-License-Identifier: Apache-2.0
// `rolesync sync`: runs a plan that was seen, or plans and approves one role in one step.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "host/cli/commands.hpp"
#include "host/cli/fields.hpp"
#include "host/cli/job_follow.hpp"
#include "host/cli/rollout_options.hpp"
#include "host/cli/session.hpp"
#include "host/cli/sync_options.hpp"

namespace rolesync::cli {
namespace {

struct SyncCommand {
  std::string role, plan_hash, on_stale, override_freeze;
  bool approve = false, detach = false;
  SyncOptions selection;
  RolloutOptions rollout;
  int time_limit_seconds = 0;
};

Error usage(std::string message, std::string hint) {
  return {ErrorKind::invalid, "usage", std::move(message), std::move(hint)};
}

Status check(const SyncCommand& command) {
  const bool selects = !plan_request(command.selection).empty();
  if (command.plan_hash.empty() && !command.approve)
    return usage("say what to run",
                 "rolesync plan, then rolesync sync --plan HASH; or rolesync sync ROLE --approve");
  if (!command.plan_hash.empty() && command.approve)
    return usage("--plan runs a plan that was seen; --approve plans anew", "use one of them");
  if (command.approve && command.role.empty())
    return usage("--approve needs the name of a role", "rolesync sync ROLE --approve");
  if (!command.plan_hash.empty() && selects)
    return usage("a plan already says which nodes, commit and restarts",
                 "give these options to rolesync plan");
  return {};
}

Result<Json> request_of(const SyncCommand& command) {
  Json request = plan_request(command.selection);
  if (!command.plan_hash.empty()) request["plan_hash"] = command.plan_hash;
  if (command.approve) request["approve"] = true;
  if (!command.on_stale.empty()) request["on_stale"] = command.on_stale;
  if (!command.override_freeze.empty()) request["override_freeze"] = command.override_freeze;
  if (Status said = say_rollout(command.rollout, request); !said) return said.error();
  return request;
}

int run_sync(Session& session, const SyncCommand& command) {
  if (auto status = check(command); !status) return session.fail(status.error());
  const auto request = request_of(command);
  if (!request) return session.fail(request.error());
  auto api = session.api();
  if (!api) return session.fail(api.error());
  const std::string path = command.role.empty()
                               ? "/api/code-sync/sync"
                               : "/api/code-sync/roles/" + encoded(command.role) + "/sync";
  auto job = (*api)->post(path, *request);
  if (!job) return session.fail(job.error());
  const std::string job_id = text_of(*job, "job_id");
  if (command.detach) {
    if (session.json())
      session.print(*job);
    else
      session.print(job_id + "\n");
    return kOk;
  }
  session.say("job " + job_id);
  FollowOptions follow;
  if (command.time_limit_seconds > 0)
    follow.time_limit = std::chrono::seconds(command.time_limit_seconds);
  return follow_job(session, job_id, follow);
}

}  // namespace

void add_sync(CLI::App& app, Session& session) {
  auto command = std::make_shared<SyncCommand>();
  CLI::App* sync = app.add_subcommand("sync", "runs a plan and follows it to its end");
  sync->add_option("role", command->role, "the role to sync");
  sync->add_option("--plan", command->plan_hash, "run exactly the plan with this hash");
  sync->add_flag("--approve", command->approve, "plan and approve ROLE in one step");
  add_selection(*sync, command->selection);
  sync->add_option("--on-stale", command->on_stale,
                   "a row the world has overtaken: refuse (default) or skip")
      ->check(CLI::IsMember({"refuse", "skip"}));
  sync->add_option("--override-freeze", command->override_freeze,
                   "sync in spite of freezes; the reason given is kept in the audit log");
  add_rollout(*sync, command->rollout);
  sync->add_flag("--detach", command->detach, "print the job's id and leave");
  sync->add_option("--timeout", command->time_limit_seconds,
                   "stop following after so many seconds (exit 7); the job goes on")
      ->check(CLI::PositiveNumber);
  sync->callback([&session, command] {
    session.action = [&session, command] { return run_sync(session, *command); };
  });
}

}  // namespace rolesync::cli
