// SPDX-License-Identifier: Apache-2.0
// `rolesync token create`: an API token, or with --join the one-time token of a new node. The
// token alone is data, so that a script can take it; everything else is words.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "host/cli/commands.hpp"
#include "host/cli/fields.hpp"
#include "host/cli/session.hpp"

namespace rolesync::cli {
namespace {

struct TokenCommand {
  std::string name, join;
  std::vector<std::string> scopes;
  int valid_seconds = 0;
  bool rejoin = false;
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
  if (command.valid_seconds > 0) request["valid_seconds"] = command.valid_seconds;
  auto answer = (*api)->post("/api/tokens", request);
  if (!answer) return session.fail(answer.error());
  print_token(session, *answer);
  session.say("it is shown here only; scopes: " + joined(texts_of(*answer, "scopes")));
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
  create->add_option("--valid-seconds", command->valid_seconds, "how long it is good")
      ->check(CLI::PositiveNumber);
  create->callback([&session, command] {
    session.action = [&session, command] { return create_token(session, *command); };
  });
}

}  // namespace rolesync::cli
