// SPDX-License-Identifier: Apache-2.0
// `rolesync freeze list|create|lift`.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "host/cli/commands.hpp"
#include "host/cli/fields.hpp"
#include "host/cli/label_words.hpp"
#include "host/cli/session.hpp"
#include "host/cli/text.hpp"

namespace rolesync::cli {
namespace {

struct FreezeOptions {
  std::string id, reason, from, until;
  std::vector<std::string> roles, nodes, labels;
  bool all = false;
};

std::string what(const Json& freeze) {
  std::vector<std::string> parts;
  for (const auto& words : {joined(texts_of(freeze, "roles")), joined(texts_of(freeze, "nodes")),
                            label_words(object_of(freeze, "labels"))}) {
    if (!words.empty()) parts.push_back(words);
  }
  return parts.empty() ? "everything" : joined(parts, "; ");
}

int list_freezes(Session& session, const FreezeOptions& options) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto list = (*api)->get_list("/api/freezes", "freezes");
  if (!list) return session.fail(list.error());
  if (session.json()) return session.print(*list), kOk;
  Table table({"FREEZE", "STATE", "FROM", "UNTIL", "WHAT", "WHY"});
  for (const Json& freeze : array_of(*list, "freezes")) {
    const std::string state = text_of(freeze, "state"), until = text_of(freeze, "ends_at");
    const bool counts = state == "active" || state == "planned";
    if (!counts && !options.all) continue;
    table.add({text_of(freeze, "id"),
               {state, state == "active" ? Style::warn : Style::dim},
               text_of(freeze, "starts_at"),
               until.empty() ? "lifted by hand" : until,
               what(freeze),
               text_of(freeze, "reason")});
  }
  session.print(table);
  return kOk;
}

int create_freeze(Session& session, const FreezeOptions& options) {
  auto labels = labels_from_words(options.labels);
  if (!labels) return session.fail(labels.error());
  Json body{{"reason", options.reason},
            {"roles", options.roles},
            {"nodes", options.nodes},
            {"labels", *labels}};
  if (!options.from.empty()) body["starts_at"] = options.from;
  if (!options.until.empty()) body["ends_at"] = options.until;
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto freeze = (*api)->post("/api/freezes", body);
  if (!freeze) return session.fail(freeze.error());
  if (session.json()) return session.print(*freeze), kOk;
  session.print(text_of(*freeze, "id") + "\n");
  session.say("no sync of " + printable(what(*freeze)) + " starts meanwhile; what runs goes on");
  return kOk;
}

int lift_freeze(Session& session, const FreezeOptions& options) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto lifted = (*api)->remove("/api/freezes/" + encoded(options.id));
  if (!lifted) return session.fail(lifted.error());
  session.say("lifted");
  return kOk;
}

}  // namespace

void add_freeze(CLI::App& app, Session& session) {
  CLI::App* freeze =
      app.add_subcommand("freeze", "times in which nothing is synced")->require_subcommand(1);
  auto options = std::make_shared<FreezeOptions>();
  const auto runs = [&session, options](CLI::App* command, auto action) {
    command->callback([&session, options, action] {
      session.action = [&session, options, action] { return action(session, *options); };
    });
  };
  CLI::App* list = freeze->add_subcommand("list", "those that count");
  list->add_flag("--all", options->all, "also those that are over or were lifted");
  runs(list, list_freezes);
  CLI::App* create = freeze->add_subcommand("create", "keeps syncs from starting");
  create->add_option("--reason", options->reason, "why; people read it")->required();
  create->add_option("--from", options->from, "a time like 2026-12-24T00:00:00Z (default: now)");
  create->add_option("--until", options->until, "its end (default: until it is lifted)");
  create->add_option("--role", options->roles, "only these roles")->allow_extra_args(false);
  create->add_option("--node", options->nodes, "only these nodes")->allow_extra_args(false);
  create->add_option("--label", options->labels, "only nodes with name=value")
      ->allow_extra_args(false);
  runs(create, create_freeze);
  CLI::App* lift = freeze->add_subcommand("lift", "ends one before its time");
  lift->add_option("id", options->id)->required();
  runs(lift, lift_freeze);
}

}  // namespace rolesync::cli
