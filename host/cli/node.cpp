// SPDX-License-Identifier: Apache-2.0
// `rolesync node list|show|assign|unassign|label|rotate|revoke|remove`; tree.cpp has identify,
// adopt and verify, role_action.cpp restart, start and stop.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/cli/commands.hpp"
#include "host/cli/fields.hpp"
#include "host/cli/label_words.hpp"
#include "host/cli/marks.hpp"
#include "host/cli/node_drain.hpp"
#include "host/cli/role_action.hpp"
#include "host/cli/session.hpp"
#include "host/cli/text.hpp"
#include "host/cli/wall_clock.hpp"

namespace rolesync::cli {
namespace {

struct NodeCommand {
  std::string node;
  std::vector<std::string> roles;
  std::string reason;
};

std::string versions_text(const Json& node) {
  std::vector<std::string> parts;
  for (const auto& [role, commit] : object_of(node, "role_versions").items())
    parts.push_back(role + "=" +
                    (commit.is_string() ? short_commit(commit.get<std::string>()) : "?"));
  return joined(parts, " ");
}

// A second machine with the same identity must not be missed in a list.
Cell state_cell(const Json& node) {
  Cell state = marked(text_of(node, "state"));
  if (!object_of(node, "clone").empty()) state = {state.text + " (clone!)", Style::bad};
  return state;
}

int list_nodes(Session& session) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto list = (*api)->get_list("/api/nodes", "nodes");
  if (!list) return session.fail(list.error());
  if (session.json()) return session.print(*list), kOk;
  Table table({"NODE", "STATE", "LAST SEEN", "HOST", "AGENT", "ROLES"});
  for (const Json& node : array_of(*list, "nodes"))
    table.add({text_of(node, "node_id"), state_cell(node), age_of(text_of(node, "last_seen_at")),
               text_of(node, "hostname"), text_of(node, "agent_version"), versions_text(node)});
  if (table.empty())
    return session.say("no node has joined; make a token with: rolesync token create --join NODE"),
           kOk;
  session.print(table);
  return kOk;
}

void print_line(Session& session, const char* name, const std::string& value) {
  if (!value.empty()) session.print("  " + std::string(name) + ": " + printable(value) + "\n");
}

std::string credential_text(const Json& credential) {
  const std::string since = text_of(credential, "in_use_since");
  std::string text = since.empty() ? "" : "in use since " + age_of(since);
  const std::string next = text_of(credential, "next_made_at");
  const std::string asked = text_of(credential, "rotation_requested_at");
  if (!next.empty()) {
    text += "; a new one was made " + age_of(next) + " and not used yet";
  } else if (!asked.empty()) {
    text += "; rotation asked for " + age_of(asked);
  }
  return text;
}

std::string clone_text(const Json& clone) {
  if (clone.empty()) return "";
  return "CLONE: a second machine (" +
         joined({text_of(clone, "hostname"), text_of(clone, "peer")}, ", ") +
         ") uses this identity since " + age_of(text_of(clone, "first_seen_at")) + ", last " +
         age_of(text_of(clone, "last_seen_at")) + "; join it under a name of its own";
}

// By what it is known, and whether it still is.
void print_identity(Session& session, const Json& node) {
  print_line(session, "joined", age_of(text_of(node, "joined_at")));
  print_line(session, "credential", credential_text(object_of(node, "credential")));
  print_line(session, "identity", clone_text(object_of(node, "clone")));
  if (const std::string at = text_of(node, "drained_at"); !at.empty()) {
    print_line(session, "drained", age_of(at) + ": " + printable(text_of(node, "drained_reason")));
  }
  if (const std::string at = text_of(node, "revoked_at"); !at.empty()) {
    const std::string why = text_of(node, "revoked_reason");
    print_line(session, "revoked",
               age_of(at) + (why.empty() ? "" : ": " + why) +
                   "; to lift it: rolesync token create --join " + text_of(node, "node_id") +
                   " --rejoin");
  }
}

void print_node(Session& session, const Json& node) {
  session.print(printable(text_of(node, "node_id")) + "\n");
  const Json& os = object_of(node, "os_info");
  const auto line = [&](const char* name, const std::string& value) {
    print_line(session, name, value);
  };
  line("state", text_of(node, "state") + ", seen " + age_of(text_of(node, "last_seen_at")));
  line("host", text_of(node, "hostname"));
  line("system",
       joined({text_of(os, "system"), text_of(os, "release"), text_of(os, "architecture")}, " "));
  line("agent", text_of(node, "agent_version"));
  print_identity(session, node);
  Table roles({"ROLE", "SOURCE", "COMMIT", "VERSION", "STATE", "HEALTH", "RUNNING", "VERIFIED"});
  for (const Json& role : array_of(node, "roles")) {
    const Json& version = object_of(role, "version");
    const std::string commit = text_of(version, "commit");
    roles.add({text_of(role, "role_name"), text_of(role, "source"),
               commit.empty() ? "-" : short_commit(commit), marked(text_of(version, "state")),
               marked(text_of(role, "state")), marked(text_of(role, "health")),
               marked(text_of(role, "running")), age_of(text_of(role, "verified_at"))});
  }
  if (!roles.empty()) session.print("\n"), session.print(roles);
  Table plugins({"PLUGIN", "VERSION", "STATE", "REASON"});
  for (const Json& plugin : array_of(node, "plugins"))
    plugins.add({text_of(plugin, "name"), text_of(plugin, "version"),
                 marked(text_of(plugin, "state")), text_of(plugin, "reason")});
  if (!plugins.empty()) session.print("\n"), session.print(plugins);
}

int show_node(Session& session, const std::string& id) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto node = (*api)->get("/api/nodes/" + encoded(id));
  if (!node) return session.fail(node.error());
  if (session.json())
    session.print(*node);
  else
    print_node(session, *node);
  return kOk;
}

// Read, change, write; the server refuses when somebody else wrote in between, and we try again.
int change_roles(Session& session, const NodeCommand& command, bool assign) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  const std::string path = "/api/nodes/" + encoded(command.node) + "/roles";
  for (int attempt = 1;; ++attempt) {
    std::string etag;
    auto before = (*api)->get(path, &etag);
    if (!before) return session.fail(before.error());
    std::vector<std::string> roles = texts_of(*before, "assigned");
    for (const std::string& role : command.roles) {
      roles.erase(std::remove(roles.begin(), roles.end(), role), roles.end());
      if (assign) roles.push_back(role);
    }
    auto after = (*api)->put(path, {{"roles", roles}}, etag);
    if (!after && after.error().kind == ErrorKind::precondition && attempt < 3) continue;
    if (!after) return session.fail(after.error());
    if (session.json()) return session.print(*after), kOk;
    const auto assigned = texts_of(*after, "assigned");
    session.say(command.node + ": " + (assigned.empty() ? "no role assigned" : joined(assigned)));
    return kOk;
  }
}

int remove_node(Session& session, const std::string& id) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto status = (*api)->remove("/api/nodes/" + encoded(id));
  if (!status) return session.fail(status.error());
  session.say(id +
              " is deleted with its roles and history here; its files stay, and its agent is "
              "refused until it joins again");
  return kOk;
}

int label_node(Session& session, const std::string& name, const std::vector<std::string>& words) {
  auto labels = labels_from_words(words);
  if (!labels) return session.fail(labels.error());
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto now = (*api)->put("/api/nodes/" + encoded(name) + "/labels", {{"labels", *labels}});
  if (!now) return session.fail(now.error());
  if (session.json()) return session.print(*now), kOk;
  session.say(printable(name + ": " + label_words(object_of(*now, "labels"))));
  return kOk;
}

int rotate_node(Session& session, const std::string& id) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto answer = (*api)->post("/api/nodes/" + encoded(id) + "/rotate-credential", Json::object());
  if (!answer) return session.fail(answer.error());
  if (session.json()) return session.print(*answer), kOk;
  session.say("the agent of " + id +
              " replaces its credential; the old one is good until the new "
              "one is used. To see it: rolesync node show " +
              id);
  return kOk;
}

int revoke_node(Session& session, const NodeCommand& command) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto answer =
      (*api)->post("/api/nodes/" + encoded(command.node) + "/revoke", {{"reason", command.reason}});
  if (!answer) return session.fail(answer.error());
  if (session.json()) return session.print(*answer), kOk;
  session.say(command.node +
              " is revoked; what it serves goes on. To lift it, let it join again: "
              "rolesync token create --join " +
              command.node + " --rejoin");
  return kOk;
}

void add_identity_verbs(CLI::App& node, Session& session,
                        const std::shared_ptr<NodeCommand>& command) {
  CLI::App* rotate = node.add_subcommand("rotate", "replace a node's credential, from here");
  rotate->add_option("node", command->node)->required();
  rotate->callback([&session, command] {
    session.action = [&session, command] { return rotate_node(session, command->node); };
  });
  CLI::App* revoke =
      node.add_subcommand("revoke", "end a node's credential; it stays known, with its history");
  revoke->add_option("node", command->node)->required();
  revoke->add_option("--reason", command->reason, "why, for whoever looks later");
  revoke->callback([&session, command] {
    session.action = [&session, command] { return revoke_node(session, *command); };
  });
  CLI::App* remove = node.add_subcommand("remove", "delete a node with its roles and history");
  remove->add_option("node", command->node)->required();
  remove->callback([&session, command] {
    session.action = [&session, command] { return remove_node(session, command->node); };
  });
}

}  // namespace

void add_node(CLI::App& app, Session& session) {
  CLI::App* node = app.add_subcommand("node", "machines that have joined")->require_subcommand(1);
  auto command = std::make_shared<NodeCommand>();
  node->add_subcommand("list", "all nodes")->callback([&session] {
    session.action = [&session] { return list_nodes(session); };
  });
  CLI::App* show = node->add_subcommand("show", "one node with its roles and plugins");
  show->add_option("node", command->node)->required();
  show->callback([&session, command] {
    session.action = [&session, command] { return show_node(session, command->node); };
  });
  for (const bool assign : {true, false}) {
    CLI::App* verb = node->add_subcommand(
        assign ? "assign" : "unassign",
        assign ? "give roles to a node" : "take roles from a node; the files stay");
    verb->add_option("node", command->node)->required();
    verb->add_option("role", command->roles)->required();
    verb->callback([&session, command, assign] {
      session.action = [&session, command, assign] {
        return change_roles(session, *command, assign);
      };
    });
  }
  add_tree_verbs(*node, session);
  add_node_actions(*node, session);
  CLI::App* label = node->add_subcommand("label", "sets labels, by which others select nodes");
  label->add_option("node", command->node)->required();
  auto words = std::make_shared<std::vector<std::string>>();
  label->add_option("label", *words, "name=value; those that are not named go")->required();
  label->callback([&session, command, words] {
    session.action = [&session, command, words] {
      return label_node(session, command->node, *words);
    };
  });
  add_identity_verbs(*node, session, command);
  add_drain_verbs(*node, session);
}

}  // namespace rolesync::cli
