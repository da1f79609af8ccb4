// SPDX-License-Identifier: Apache-2.0
// `rolesync node drain|undrain`: leaves a node out of plans, and takes it in again.
#include "host/cli/node_drain.hpp"

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "host/cli/session.hpp"
#include "host/cli/text.hpp"

namespace rolesync::cli {
namespace {

struct DrainCommand {
  std::string node, reason;
};

int change(Session& session, const std::string& path, const Json& request,
           const std::string& words) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto node = (*api)->post(path, request);
  if (!node) return session.fail(node.error());
  if (session.json()) return session.print(*node), kOk;
  session.say(printable(words));
  return kOk;
}

}  // namespace

void add_drain_verbs(CLI::App& node, Session& session) {
  auto command = std::make_shared<DrainCommand>();
  CLI::App* drain =
      node.add_subcommand("drain", "leave a node out of plans; what was ordered for it waits");
  drain->add_option("node", command->node)->required();
  drain->add_option("--reason", command->reason, "why, for whoever sees it")->required();
  drain->callback([&session, command] {
    session.action = [&session, command] {
      return change(session, "/api/nodes/" + encoded(command->node) + "/drain",
                    {{"reason", command->reason}},
                    command->node + " is drained; to take it in again: rolesync node undrain " +
                        command->node);
    };
  });
  CLI::App* undrain = node.add_subcommand("undrain", "take a drained node in again");
  undrain->add_option("node", command->node)->required();
  undrain->callback([&session, command] {
    session.action = [&session, command] {
      return change(session, "/api/nodes/" + encoded(command->node) + "/undrain", Json::object(),
                    command->node + " is in use again");
    };
  });
}

}  // namespace rolesync::cli
