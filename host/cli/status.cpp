// SPDX-License-Identifier: Apache-2.0
// `rolesync status`: what is where. Version, health and running are three facts, never one colour.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>

#include "host/cli/commands.hpp"
#include "host/cli/fields.hpp"
#include "host/cli/marks.hpp"
#include "host/cli/session.hpp"
#include "host/cli/text.hpp"

namespace rolesync::cli {
namespace {

struct StatusOptions {
  std::vector<std::string> roles, nodes;
  bool check = false;
};

bool wanted(const std::vector<std::string>& filter, const std::string& name) {
  return filter.empty() || std::find(filter.begin(), filter.end(), name) != filter.end();
}

std::string drift_note(const Json& cell) {
  constexpr std::size_t kNamed = 3;
  std::string note;
  std::size_t named = 0;
  for (const Json& file : array_of(cell, "drift")) {
    if (named == kNamed) break;
    note += (named++ ? ", " : "") + text_of(file, "path") + " " + text_of(file, "kind");
  }
  const auto count = static_cast<std::size_t>(number_of(cell, "drift_count"));
  if (count > named) note += (named ? " and " : "") + std::to_string(count - named) + " more";
  return note;
}

// Everything worth knowing beyond the columns, the most urgent first.
std::string note_of(const Json& cell) {
  const Json& version = object_of(cell, "version");
  std::vector<std::string> notes;
  if (const auto drift = drift_note(cell); !drift.empty()) notes.push_back(drift);
  if (const auto error = text_of(cell, "error"); !error.empty()) notes.push_back(error);
  if (const auto detail = text_of(cell, "detail"); !detail.empty()) notes.push_back(detail);
  const bool down = text_of(cell, "health") == "failing" || text_of(cell, "state") == "inactive";
  if (down && !text_of(cell, "reason").empty()) notes.push_back(text_of(cell, "reason"));
  if (text_of(version, "state") == "outdated")
    notes.push_back("newest is " + short_commit(text_of(version, "latest_commit")));
  if (text_of(version, "state") == "unknown") {
    if (!text_of(version, "hint").empty())
      notes.push_back(text_of(version, "hint"));
    else if (!text_of(version, "reason").empty())
      notes.push_back(text_of(version, "reason"));
  }
  return joined(notes, "; ");
}

bool differs(const Json& cell) {
  return text_of(object_of(cell, "version"), "state") != "current" ||
         text_of(cell, "health") == "failing" || text_of(cell, "running") == "restart_pending";
}

std::vector<const Json*> chosen_cells(const Json& status, const StatusOptions& options) {
  std::map<std::string, std::int64_t> order;
  for (const Json& role : array_of(status, "roles"))
    order[text_of(role, "role_name")] = number_of(role, "order");
  std::vector<const Json*> cells;
  for (const Json& cell : array_of(status, "cells"))
    if (wanted(options.roles, text_of(cell, "role_name")) &&
        wanted(options.nodes, text_of(cell, "node_id")))
      cells.push_back(&cell);
  const auto key = [&](const Json* cell) {
    const std::string role = text_of(*cell, "role_name");
    return std::make_tuple(order[role], role, text_of(*cell, "node_id"));
  };
  std::sort(cells.begin(), cells.end(),
            [&](const Json* a, const Json* b) { return key(a) < key(b); });
  return cells;
}

Table status_table(const std::vector<const Json*>& cells) {
  Table table({"ROLE", "NODE", "COMMIT", "VERSION", "STATE", "HEALTH", "RUNNING", "NOTE"});
  for (const Json* cell : cells) {
    const Json& version = object_of(*cell, "version");
    const std::string commit = text_of(version, "commit");
    table.add({text_of(*cell, "role_name"), text_of(*cell, "node_id"),
               commit.empty() ? "-" : short_commit(commit), marked(text_of(version, "state")),
               marked(text_of(*cell, "state")), marked(text_of(*cell, "health")),
               marked(text_of(*cell, "running")), note_of(*cell)});
  }
  return table;
}

void say_summary(const Session& session, const Json& status) {
  std::map<std::string, int> states;
  for (const Json& node : array_of(status, "nodes")) ++states[text_of(node, "state")];
  std::vector<std::string> parts;
  parts.reserve(states.size());
  for (const auto& [state, count] : states) parts.push_back(std::to_string(count) + " " + state);
  session.say("nodes: " + (parts.empty() ? "none have joined" : joined(parts)));
  for (const Json& source : array_of(status, "sources")) {
    const std::string commit = text_of(source, "commit"), error = text_of(source, "error");
    session.say(printable(text_of(source, "name") + ": " + text_of(source, "branch") + " at " +
                          (commit.empty() ? "no commit yet" : short_commit(commit)) +
                          (error.empty() ? "" : " (last fetch failed: " + error + ")")));
  }
  for (const std::string& job : texts_of(status, "jobs_running"))
    session.say("running: rolesync job watch " + printable(job));
}

int run_status(Session& session, const StatusOptions& options) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto status = (*api)->get("/api/status");
  if (!status) return session.fail(status.error());
  const auto cells = chosen_cells(*status, options);
  if (session.json()) {
    session.print(*status);
  } else {
    say_summary(session, *status);
    if (cells.empty())
      session.say("no roles on any node yet: rolesync node assign NODE ROLE");
    else
      session.print(status_table(cells));
  }
  const bool any =
      std::any_of(cells.begin(), cells.end(), [](const Json* cell) { return differs(*cell); });
  return options.check && any ? kFailed : kOk;
}

}  // namespace

void add_status(CLI::App& app, Session& session) {
  auto options = std::make_shared<StatusOptions>();
  CLI::App* status = app.add_subcommand("status", "what is where: version, health and running");
  status->add_option("--role", options->roles, "only these roles")->allow_extra_args(false);
  status->add_option("--node", options->nodes, "only these nodes")->allow_extra_args(false);
  status->add_flag(
      "--check", options->check,
      "exit 1 unless everything is current, not failing and not waiting for a restart");
  status->callback([&session, options] {
    session.action = [&session, options] { return run_status(session, *options); };
  });
}

}  // namespace rolesync::cli
