// SPDX-License-Identifier: Apache-2.0
// `rolesync plan`: what a sync would do, and the exact command that does exactly that.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "host/cli/commands.hpp"
#include "host/cli/fields.hpp"
#include "host/cli/plan_text.hpp"
#include "host/cli/session.hpp"
#include "host/cli/sync_options.hpp"
#include "host/cli/text.hpp"

namespace rolesync::cli {
namespace {

struct PlanOptions {
  std::vector<std::string> roles;
  SyncOptions sync;
  bool all_files = false, check = false;
};

int run_plan(Session& session, const PlanOptions& options) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  Json request = plan_request(options.sync);
  if (!options.roles.empty()) request["roles"] = options.roles;
  auto plan = (*api)->post("/api/code-sync/plan", request);
  if (!plan) return session.fail(plan.error());
  const auto changes = number_of(*plan, "changes"), blocked = number_of(*plan, "blocked");
  if (session.json()) {
    session.print(*plan);
  } else {
    session.print(plan_text(*plan, {.colour = session.terminal().colour,
                                    .width = session.terminal().width,
                                    .all_files = options.all_files}));
    for (const Json& held : array_of(*plan, "held")) {
      session.warn(printable(
          text_of(held, "role_name") + " at " + short_commit(text_of(held, "commit")) + " broke " +
          text_of(held, "job_id") + ": " + first_line(text_of(held, "message"))));
    }
    for (const Json& freeze : array_of(*plan, "freezes")) {
      const std::string until = text_of(freeze, "ends_at");
      session.warn(printable(counted(static_cast<std::size_t>(number_of(freeze, "rows")), "row") +
                             " frozen " +
                             (until.empty() ? "until it is lifted" : "until " + until) + ": " +
                             text_of(freeze, "reason")));
    }
    if (changes == 0)
      session.say("nothing to do: every role is at this commit");
    else if (blocked > 0)
      session.say(counted(static_cast<std::size_t>(blocked), "row") +
                  " blocked: see the reasons above, then plan again");
    if (changes > 0 && blocked == 0)
      session.say("run exactly this:  rolesync sync --plan " + text_of(*plan, "plan_hash"));
  }
  return options.check && changes > 0 ? kFailed : kOk;
}

}  // namespace

void add_plan(CLI::App& app, Session& session) {
  auto options = std::make_shared<PlanOptions>();
  CLI::App* plan = app.add_subcommand("plan", "what a sync would do; changes nothing");
  plan->add_option("--role", options->roles, "only these roles")->allow_extra_args(false);
  add_selection(*plan, options->sync);
  plan->add_flag("--all-files", options->all_files, "list every file");
  plan->add_flag("--check", options->check, "exit 1 when there is something to do");
  plan->callback([&session, options] {
    session.action = [&session, options] { return run_plan(session, *options); };
  });
}

}  // namespace rolesync::cli
