// SPDX-License-Identifier: Apache-2.0
// `rolesync source list|show|set|remove|pull|install-hook|webhook`: where commits come from.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "host/cli/commands.hpp"
#include "host/cli/fields.hpp"
#include "host/cli/hook_install.hpp"
#include "host/cli/marks.hpp"
#include "host/cli/session.hpp"
#include "host/cli/source_signers.hpp"
#include "host/cli/text.hpp"
#include "host/cli/wall_clock.hpp"

namespace rolesync::cli {
namespace {

struct SourceCommand {
  std::string name = "main", transport = "agent", node, repository, branch, notify_url, kind;
  int poll_seconds = -1;  // as it is
};

std::string told_by(const Json& source) {
  std::string by = flag_of(source, "hook_key_set") ? "hook" : "";
  if (const std::string forge = text_of(source, "webhook"); !forge.empty()) {
    by += (by.empty() ? "" : ", ") + forge;
  }
  return by.empty() ? "nobody" : by;
}

Table source_table(const Json& sources) {
  Table table({"SOURCE", "FROM", "REPOSITORY", "BRANCH", "COMMIT", "FETCHED", "STATE", "TOLD BY",
               "LAST POLL", "SIGNED"});
  for (const Json& source : sources) {
    const std::string node = text_of(source, "node_id"), commit = text_of(source, "commit");
    table.add({text_of(source, "name"),
               text_of(source, "transport") + (node.empty() ? "" : " on " + node),
               text_of(source, "repository"), text_of(source, "branch"),
               commit.empty() ? "-" : short_commit(commit), age_of(text_of(source, "fetched_at")),
               marked(text_of(source, "fetch_state")), told_by(source),
               age_of(text_of(source, "last_poll_at")),
               flag_of(source, "require_signed_commits") ? "required" : "-"});
  }
  return table;
}

void print_source(Session& session, const Json& source) {
  if (session.json()) return session.print(source);
  const std::string error = text_of(source, "error");
  session.print(source_table(Json::array({source})));
  if (!error.empty()) session.warn("the last fetch failed: " + printable(error));
}

int list_sources(Session& session, const SourceCommand&) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto sources = (*api)->get("/api/code-sources");
  if (!sources) return session.fail(sources.error());
  if (session.json()) return session.print(*sources), kOk;
  session.print(source_table(array_of(*sources, "sources")));
  return kOk;
}

int remove_source(Session& session, const SourceCommand& command) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  if (auto gone = (*api)->remove("/api/code-sources/" + encoded(command.name)); !gone)
    return session.fail(gone.error());
  session.say(printable("code source " + command.name + " is forgotten"));
  return kOk;
}

int make_webhook(Session& session, const SourceCommand& command) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto made =
      (*api)->post("/api/code-source/webhook", {{"source", command.name}, {"kind", command.kind}});
  if (!made) return session.fail(made.error());
  if (session.json()) return session.print(*made), kOk;
  session.say("add a webhook for push events, of content type " + text_of(*made, "content_type") +
              ", with this address and secret (shown only now):");
  const std::string& url = (*api)->connection().address.url;
  session.print(printable(url + text_of(*made, "path")) + "\n" + text_of(*made, "secret") + "\n");
  return kOk;
}

int show_source(Session& session, const SourceCommand& command) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto source = (*api)->get("/api/code-source?source=" + encoded(command.name));
  if (!source) return session.fail(source.error());
  print_source(session, *source);
  return kOk;
}

int set_source(Session& session, const SourceCommand& command) {
  if (command.transport == "agent" && command.node.empty())
    return session.fail({ErrorKind::invalid, "usage", "which node holds the repository?",
                         "rolesync source set --node NODE --repository PATH"});
  auto api = session.api();
  if (!api) return session.fail(api.error());
  Json request = {
      {"name", command.name}, {"transport", command.transport}, {"repository", command.repository}};
  if (!command.node.empty()) request["node_id"] = command.node;
  if (!command.branch.empty()) request["branch"] = command.branch;
  if (command.poll_seconds >= 0) request["poll_seconds"] = command.poll_seconds;
  auto source = (*api)->put("/api/code-source", request);
  if (!source) return session.fail(source.error());
  print_source(session, *source);
  session.say(
      "next, on the machine with the repository:  rolesync source install-hook --repository " +
      command.repository);
  return kOk;
}

int pull_source(Session& session, const SourceCommand& command) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  (*api)->set_time_limit(std::chrono::minutes(10));  // a first fetch may be large
  auto result = (*api)->post("/api/code-sync/pull", {{"source", command.name}});
  if (!result) return session.fail(result.error());
  if (session.json()) return session.print(*result), kOk;
  session.say(printable(command.name + " is at " + short_commit(text_of(*result, "commit"))));
  for (const Json& error : array_of(*result, "errors"))
    session.warn(printable(text_of(error, "role_name") + ": " + text_of(error, "detail")));
  Table table({"OUTDATED ROLE", "NODES"});
  for (const Json& role : array_of(*result, "outdated"))
    table.add({text_of(role, "role_name"), joined(texts_of(role, "nodes"))});
  if (table.empty()) return session.say("no role on any node became outdated"), kOk;
  session.print(table);
  return kOk;
}

Json hook_request(const SourceCommand& command, const HookPlace& place,
                  const Connection& connection) {
  Json request = {
      {"source", command.name},
      {"key_file", place.key_file()},
      {"server_url", command.notify_url.empty() ? connection.address.url : command.notify_url}};
  if (const std::string& ca = connection.address.ca_file; !ca.empty())
    request["ca_file"] = std::filesystem::absolute(ca).string();
  return request;
}

int install(Session& session, const SourceCommand& command) {
  const std::string where = command.repository.empty() ? "." : command.repository;
  // Looked at first: a new key is only made when it can be put to use.
  if (auto programs = check_hook_programs(); !programs) return session.fail(programs.error());
  auto place = find_hook_place(where);
  if (!place) return session.fail(place.error());
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto hook =
      (*api)->post("/api/code-source/hook", hook_request(command, *place, (*api)->connection()));
  if (!hook) return session.fail(hook.error());
  auto installed = install_hook(*place, {.script = text_of(*hook, "script"),
                                         .key = text_of(*hook, "key"),
                                         .hooks = texts_of(*hook, "hooks")});
  if (!installed) return session.fail(installed.error());
  for (const std::string& line : *installed) session.say(line);
  session.say("every commit is announced now; nothing is deployed by that");
  return kOk;
}

}  // namespace

void add_source(CLI::App& app, Session& session) {
  CLI::App* source = app.add_subcommand("source", "where commits come from")->require_subcommand(1);
  auto command = std::make_shared<SourceCommand>();
  const auto verb = [&](const char* name, const char* about,
                        int (*run)(Session&, const SourceCommand&)) {
    CLI::App* sub = source->add_subcommand(name, about);
    sub->add_option("--source", command->name, "code source (default main)");
    sub->callback([&session, command, run] {
      session.action = [&session, command, run] { return run(session, *command); };
    });
    return sub;
  };
  verb("list", "all code sources", list_sources);
  verb("show", "the code source and its newest commit", show_source);
  CLI::App* set = verb("set", "say where commits come from", set_source);
  set->add_option("--transport", command->transport, "agent (default) or file")
      ->check(CLI::IsMember({"agent", "file"}));
  set->add_option("--node", command->node, "the node that holds the repository");
  set->add_option("--repository", command->repository, "its absolute path there")->required();
  set->add_option("--branch", command->branch, "the branch that counts (default main)");
  set->add_option("--poll-seconds", command->poll_seconds,
                  "look that often without being told (default 300); 0: never")
      ->check(CLI::Range(0, 86'400));
  verb("remove", "forget a source that no role uses", remove_source)
      ->get_option("--source")
      ->required();
  CLI::App* webhook =
      verb("webhook", "a new secret for the webhook of a forge; the old one ends", make_webhook);
  webhook->add_option("--kind", command->kind, "github, gitlab or gitea (also Forgejo)")
      ->required()
      ->check(CLI::IsMember({"github", "gitlab", "gitea"}));
  add_signer_verbs(*source, session);
  verb("pull", "fetch now and say what became outdated", pull_source);
  CLI::App* hook = verb("install-hook", "make a repository announce its commits", install);
  hook->add_option("--repository", command->repository, "the repository (default: here)");
  hook->add_option("--notify-url", command->notify_url, "the server as the hook reaches it");
}

}  // namespace rolesync::cli
