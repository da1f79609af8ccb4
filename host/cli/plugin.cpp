// SPDX-License-Identifier: Apache-2.0
// `rolesync plugin list|show|unquarantine`: the server's plugins and those of nodes, and why one
// is not used. The verbs for authors are in host/cli/plugin/.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "host/cli/commands.hpp"
#include "host/cli/fields.hpp"
#include "host/cli/marks.hpp"
#include "host/cli/plugin/author.hpp"
#include "host/cli/session.hpp"
#include "host/cli/text.hpp"

namespace rolesync::cli {
namespace {

struct PluginCommand {
  std::string name, node;
};

std::string mode_of(const Json& plugin) {
  return flag_of(plugin, "isolated") ? "isolated" : "inline";
}

std::string note_of(const Json& plugin) {
  std::vector<std::string> notes;
  for (const char* key : {"reason", "detail"})
    if (const auto text = text_of(plugin, key); !text.empty()) notes.push_back(text);
  return joined(notes, ": ");
}

std::string provides_of(const Json& plugin) {
  std::vector<std::string> provides;
  for (const Json& item : array_of(plugin, "provides"))
    provides.push_back(text_of(item, "kind") + " " + text_of(item, "id"));
  return joined(provides);
}

int list_plugins(Session& session, const PluginCommand& command) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto list = command.node.empty() ? (*api)->get_list("/api/plugins", "plugins")
                                   : (*api)->get("/api/nodes/" + encoded(command.node));
  if (!list) return session.fail(list.error());
  const Json& plugins = array_of(*list, "plugins");
  if (session.json()) return session.print(Json{{"plugins", plugins}}), kOk;
  Table table({"PLUGIN", "VERSION", "STATE", "RUNS", "ABI", "PROVIDES", "FROM", "NOTE"});
  for (const Json& plugin : plugins)
    table.add({text_of(plugin, "name"), text_of(plugin, "version"),
               marked(text_of(plugin, "state")), mode_of(plugin), text_of(plugin, "abi"),
               provides_of(plugin), text_of(plugin, "path"), note_of(plugin)});
  const std::string who = command.node.empty() ? "the server" : command.node;
  if (table.empty()) return session.say(who + " has no plugins"), kOk;
  session.print(table);
  return kOk;
}

std::string value_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// "1 to 9", "one of a, b"
std::string range_text(const Json& rule) {
  if (const Json& choices = array_of(rule, "enum"); !choices.empty()) {
    std::vector<std::string> values;
    for (const Json& choice : choices) values.push_back(value_text(choice));
    return "one of " + joined(values);
  }
  const Json &low = member_of(rule, "minimum"), &high = member_of(rule, "maximum");
  if (!low.is_null() && !high.is_null()) return low.dump() + " to " + high.dump();
  if (!low.is_null()) return "at least " + low.dump();
  return high.is_null() ? "" : "at most " + high.dump();
}

void print_provided(Session& session, const Json& provided) {
  const std::string summary = text_of(provided, "summary");
  session.print("\n" + printable(text_of(provided, "kind") + " " + text_of(provided, "id")) +
                (summary.empty() ? "" : ": " + printable(summary)) + "\n");
  if (const auto needs = texts_of(provided, "needs"); !needs.empty())
    session.print("  needs: " + printable(joined(needs)) + "\n");
  Table options({"OPTION", "TYPE", "DEFAULT", "RANGE", "HELP"});
  for (const auto& [name, rule] : object_of(provided, "options").items()) {
    const Json& usual = member_of(rule, "default");
    options.add({name, text_of(rule, "type"),
                 !usual.is_null()            ? value_text(usual)
                 : flag_of(rule, "required") ? "(required)"
                                             : "-",
                 range_text(rule), text_of(rule, "help")});
  }
  if (!options.empty()) session.print(options);
}

void print_plugin(Session& session, const Json& plugin) {
  const auto line = [&](const char* name, const std::string& value) {
    if (!value.empty()) session.print("  " + std::string(name) + ": " + printable(value) + "\n");
  };
  line("version", text_of(plugin, "version"));
  line("state", text_of(plugin, "state"));
  line("note", note_of(plugin));
  line("runs", mode_of(plugin));
  line("file", text_of(plugin, "path"));
  line("sha256", text_of(plugin, "sha256"));
  line("ABI", text_of(plugin, "abi"));
  line("calls", std::to_string(number_of(plugin, "calls")));
  line("faults", std::to_string(number_of(plugin, "faults")));
  const Json& fault = object_of(plugin, "last_fault");
  if (!fault.empty())
    line("last fault",
         text_of(fault, "at") + " " + text_of(fault, "reason") + ": " + text_of(fault, "message"));
  for (const Json& provided : array_of(plugin, "provides")) print_provided(session, provided);
}

int show_plugin(Session& session, const PluginCommand& command) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto plugin = (*api)->get("/api/plugins/" + encoded(command.name));
  if (!plugin) return session.fail(plugin.error());
  if (session.json()) return session.print(*plugin), kOk;
  if (command.node.empty()) {
    for (const Json& here : array_of(*plugin, "server")) {
      session.print(printable(command.name) + " on the server\n");
      print_plugin(session, here);
    }
  }
  Table nodes({"NODE", "VERSION", "STATE", "RUNS", "CALLS", "FAULTS", "SHA256", "NOTE"});
  bool found = false;
  for (const Json& there : array_of(*plugin, "nodes")) {
    const std::string node = text_of(there, "node_id");
    if (node == command.node) {
      session.print(printable(command.name + " on " + node) + "\n");
      print_plugin(session, there);
      found = true;
    }
    nodes.add({node, text_of(there, "version"), marked(text_of(there, "state")), mode_of(there),
               std::to_string(number_of(there, "calls")),
               std::to_string(number_of(there, "faults")), text_of(there, "sha256").substr(0, 12),
               note_of(there)});
  }
  if (!command.node.empty() && !found)
    return session.fail({ErrorKind::not_found, "unknown_plugin",
                         "node " + command.node + " reports no plugin " + command.name,
                         "rolesync plugin list --node " + command.node});
  if (command.node.empty() && !nodes.empty()) session.print("\n"), session.print(nodes);
  return kOk;
}

int unquarantine(Session& session, const PluginCommand& command) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  const std::string prefix = command.node.empty() ? "" : "/nodes/" + encoded(command.node);
  auto done = (*api)->post("/api" + prefix + "/plugins/" + encoded(command.name) + "/unquarantine",
                           Json::object());
  if (!done) return session.fail(done.error());
  if (session.json()) return session.print(*done), kOk;
  session.say(command.node.empty()
                  ? command.name + " gets a clean start"
                  : command.node + " is told to give " + command.name + " a clean start");
  return kOk;
}

}  // namespace

void add_plugin(CLI::App& app, Session& session) {
  CLI::App* plugin =
      app.add_subcommand("plugin", "the server's plugins, and your own")->require_subcommand(1);
  auto command = std::make_shared<PluginCommand>();
  using Action = int (*)(Session&, const PluginCommand&);
  const auto add = [&](const char* verb, const char* help, Action action, bool named) {
    CLI::App* sub = plugin->add_subcommand(verb, help);
    if (named) sub->add_option("plugin", command->name, "its name")->required();
    sub->add_option("--node", command->node, "of this node instead of the server");
    sub->callback([&session, command, action] {
      session.action = [&session, command, action] { return action(session, *command); };
    });
  };
  add("list", "all plugins, usable or not", &list_plugins, false);
  add("show", "one plugin: options, calls, faults, and where nodes have it", &show_plugin, true);
  add("unquarantine", "call a plugin again that failed three times", &unquarantine, true);
  for (const auto add_verb : {add_plugin_new, add_plugin_check, add_plugin_run, add_plugin_docs}) {
    add_verb(*plugin, session);
  }
}

}  // namespace rolesync::cli
