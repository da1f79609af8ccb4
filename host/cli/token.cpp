// SPDX-License-Identifier: Apache-2.0
// `rolesync token create|list|revoke`: an API token, or with --join the one-time token of a new
// node. A new token alone is data, so that a script can take it; everything else is words.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "host/cli/commands.hpp"
#include "host/cli/fields.hpp"
#include "host/cli/session.hpp"
#include "host/cli/wall_clock.hpp"

namespace rolesync::cli {
namespace {

struct TokenCommand {
  std::string name, join;
  std::vector<std::string> scopes, roles, nodes;
  int valid_seconds = 0;
  bool rejoin = false, join_tokens = false, all = false;
};

int print_token(Session& session, const Json& answer) {
  if (session.json())
    session.print(answer);
  else
    session.print(text_of(answer, "token") + "\n");
  return kOk;
}

int create_join_token(Session& session, Api& api, const TokenCommand& command) {
  Json request = {{"node_id", command.join}, {"rejoin", command.rejoin}};
  if (command.valid_seconds > 0) request["valid_seconds"] = command.valid_seconds;
  auto answer = api.post("/api/join-tokens", request);
  if (!answer) return session.fail(answer.error());
  print_token(session, *answer);
  session.say("good once, until " + text_of(*answer, "expires_at") +
              "; on the new node:  sudo rolesync agent join " + api.connection().address.url +
              " TOKEN --node-id " + command.join);
  return kOk;
}

int create_token(Session& session, const TokenCommand& command) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  if (!command.join.empty()) return create_join_token(session, **api, command);
  if (command.name.empty() || command.scopes.empty())
    return session.fail({ErrorKind::invalid, "usage", "an API token needs a name and scopes",
                         "rolesync token create NAME --scope read; or --join NODE for a new node"});
  Json request = {{"name", command.name}, {"scopes", command.scopes}};
  if (!command.roles.empty()) request["roles"] = command.roles;
  if (!command.nodes.empty()) request["nodes"] = command.nodes;
  if (command.valid_seconds > 0) request["valid_seconds"] = command.valid_seconds;
  auto answer = (*api)->post("/api/tokens", request);
  if (!answer) return session.fail(answer.error());
  print_token(session, *answer);
  session.say("it is shown here only; scopes: " + joined(texts_of(*answer, "scopes")));
  return kOk;
}

std::string only(const Json& token) {
  std::vector<std::string> parts;
  for (const char* field : {"roles", "nodes"}) {
    if (const auto names = texts_of(token, field); !names.empty()) {
      parts.push_back(std::string(field) + " " + joined(names));
    }
  }
  return parts.empty() ? "everything" : joined(parts, "; ");
}

std::string age_or(const Json& object, const char* field, const char* otherwise) {
  const std::string at = text_of(object, field);
  return at.empty() ? otherwise : age_of(at);
}

Cell state_cell(const std::string& state) {
  const bool good = state == "active" || state == "open";
  return {state, good ? Style::good : Style::dim};
}

int list_join_tokens(Session& session, Api& api, bool all) {
  auto list = api.get_list("/api/join-tokens", "join_tokens");
  if (!list) return session.fail(list.error());
  if (session.json()) return session.print(*list), kOk;
  Table table({"JOIN TOKEN", "NODE", "STATE", "MADE", "BY", "UNTIL"});
  for (const Json& token : array_of(*list, "join_tokens")) {
    const std::string state = text_of(token, "state");
    if (state != "open" && !all) continue;
    table.add({text_of(token, "id"), text_of(token, "node_id"), state_cell(state),
               age_of(text_of(token, "created_at")), text_of(token, "created_by"),
               text_of(token, "expires_at")});
  }
  session.print(table);
  return kOk;
}

int list_tokens(Session& session, const TokenCommand& command) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  if (command.join_tokens) return list_join_tokens(session, **api, command.all);
  auto list = (*api)->get_list("/api/tokens", "tokens");
  if (!list) return session.fail(list.error());
  if (session.json()) return session.print(*list), kOk;
  Table table({"TOKEN", "NAME", "STATE", "SCOPES", "LAST USED", "UNTIL", "ONLY"});
  for (const Json& token : array_of(*list, "tokens")) {
    const std::string state = text_of(token, "state");
    if (state != "active" && !command.all) continue;
    const std::string until = text_of(token, "expires_at");
    table.add({text_of(token, "id"), text_of(token, "name"), state_cell(state),
               joined(texts_of(token, "scopes")), age_or(token, "last_used_at", "never"),
               until.empty() ? "it is revoked" : until, only(token)});
  }
  session.print(table);
  return kOk;
}

int revoke_token(Session& session, const TokenCommand& command) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  const bool join = command.name.rfind("join_", 0) == 0;
  auto gone = (*api)->remove((join ? "/api/join-tokens/" : "/api/tokens/") + encoded(command.name));
  if (!gone) return session.fail(gone.error());
  session.say("revoked; whoever used it is refused from now on");
  return kOk;
}

}  // namespace

void add_token(CLI::App& app, Session& session) {
  CLI::App* token = app.add_subcommand("token", "who may do what")->require_subcommand(1);
  auto command = std::make_shared<TokenCommand>();
  CLI::App* create = token->add_subcommand("create", "a new API token, or a node's join token");
  create->add_option("name", command->name, "whose token it is");
  create->add_option("--scope", command->scopes, "what it may do; may be repeated")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember(
          {"read", "sync", "approve", "rollback", "role:command", "admin", "notify"}));
  create->add_option("--join", command->join, "instead: a one-time token with which NODE joins")
      ->option_text("NODE");
  create
      ->add_flag("--rejoin", command->rejoin, "NODE exists: the machine that joins takes its place")
      ->needs("--join");
  create->add_option("--role", command->roles, "it may act on this role only; may be repeated")
      ->allow_extra_args(false);
  create->add_option("--node", command->nodes, "it may act on this node only; may be repeated")
      ->allow_extra_args(false);
  create->add_option("--valid-seconds", command->valid_seconds, "how long it is good")
      ->check(CLI::PositiveNumber);
  create->callback([&session, command] {
    session.action = [&session, command] { return create_token(session, *command); };
  });
  CLI::App* list = token->add_subcommand("list", "who may call, and when each was last used");
  list->add_flag("--join", command->join_tokens, "instead: join tokens that wait to be used");
  list->add_flag("--all", command->all, "also those that have ended");
  list->callback([&session, command] {
    session.action = [&session, command] { return list_tokens(session, *command); };
  });
  CLI::App* revoke = token->add_subcommand("revoke", "ends a token, or a join token, now");
  revoke->add_option("id", command->name, "as `token list` shows it")->required();
  revoke->callback([&session, command] {
    session.action = [&session, command] { return revoke_token(session, *command); };
  });
}

}  // namespace rolesync::cli
