// SPDX-License-Identifier: Apache-2.0
// `rolesync approval list|set|remove`: which jobs wait until others have approved them.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "host/cli/commands.hpp"
#include "host/cli/fields.hpp"
#include "host/cli/label_words.hpp"
#include "host/cli/session.hpp"

namespace rolesync::cli {
namespace {

struct ApprovalOptions {
  std::string name;
  std::vector<std::string> roles, labels, approvers;
  int approvals = 1;
};

int list_policies(Session& session, const ApprovalOptions&) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto list = (*api)->get_list("/api/approval-policies", "approval_policies");
  if (!list) return session.fail(list.error());
  if (session.json()) return session.print(*list), kOk;
  Table table({"POLICY", "ROLES", "NODES WITH", "APPROVALS", "OF"});
  for (const Json& policy : array_of(*list, "approval_policies")) {
    const auto roles = texts_of(policy, "roles"), approvers = texts_of(policy, "approvers");
    const std::string labels = label_words(object_of(policy, "labels"));
    table.add({text_of(policy, "name"), roles.empty() ? "all" : joined(roles),
               labels.empty() ? "any labels" : labels,
               std::to_string(number_of(policy, "approvals")),
               approvers.empty() ? "everybody with the scope approve" : joined(approvers)});
  }
  session.print(table);
  return kOk;
}

int set_policy(Session& session, const ApprovalOptions& options) {
  auto labels = labels_from_words(options.labels);
  if (!labels) return session.fail(labels.error());
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto policy = (*api)->put("/api/approval-policies/" + encoded(options.name),
                            {{"roles", options.roles},
                             {"labels", *labels},
                             {"approvals", options.approvals},
                             {"approvers", options.approvers}});
  if (!policy) return session.fail(policy.error());
  if (session.json()) return session.print(*policy), kOk;
  session.say("jobs that it concerns wait from now on:  rolesync job approve JOB");
  return kOk;
}

int remove_policy(Session& session, const ApprovalOptions& options) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto gone = (*api)->remove("/api/approval-policies/" + encoded(options.name));
  if (!gone) return session.fail(gone.error());
  session.say("removed; jobs that wait already go on waiting");
  return kOk;
}

}  // namespace

void add_approval(CLI::App& app, Session& session) {
  CLI::App* approval =
      app.add_subcommand("approval", "which jobs others have to approve")->require_subcommand(1);
  auto options = std::make_shared<ApprovalOptions>();
  const auto runs = [&session, options](CLI::App* command, auto action) {
    command->callback([&session, options, action] {
      session.action = [&session, options, action] { return action(session, *options); };
    });
  };
  runs(approval->add_subcommand("list", "the policies"), list_policies);
  CLI::App* set = approval->add_subcommand("set", "makes or replaces one");
  set->add_option("name", options->name)->required();
  set->add_option("--role", options->roles, "only jobs with this role")->allow_extra_args(false);
  set->add_option("--label", options->labels, "only on nodes with name=value")
      ->allow_extra_args(false);
  set->add_option("--approvals", options->approvals, "so many people (default 1)")
      ->check(CLI::Range(1, 20));
  set->add_option("--approver", options->approvers, "only these (names of tokens) may approve")
      ->allow_extra_args(false);
  runs(set, set_policy);
  CLI::App* remove = approval->add_subcommand("remove", "jobs start without it again");
  remove->add_option("name", options->name)->required();
  runs(remove, remove_policy);
}

}  // namespace rolesync::cli
