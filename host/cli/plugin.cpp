// SPDX-License-Identifier: Apache-2.0
// `rolesync plugin list`: the server's plugins, and why one is not used. The verbs for authors are
// in host/cli/plugin/.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "host/cli/commands.hpp"
#include "host/cli/fields.hpp"
#include "host/cli/marks.hpp"
#include "host/cli/plugin/author.hpp"
#include "host/cli/session.hpp"

namespace rolesync::cli {
namespace {

int list_plugins(Session& session) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto list = (*api)->get("/api/plugins");
  if (!list) return session.fail(list.error());
  if (session.json()) return session.print(*list), kOk;
  Table table({"PLUGIN", "VERSION", "STATE", "RUNS", "PROVIDES", "NOTE"});
  for (const Json& plugin : array_of(*list, "plugins")) {
    std::vector<std::string> provides;
    for (const Json& item : array_of(plugin, "provides"))
      provides.push_back(text_of(item, "kind") + " " + text_of(item, "id"));
    std::vector<std::string> notes;
    for (const char* key : {"reason", "detail"})
      if (const auto text = text_of(plugin, key); !text.empty()) notes.push_back(text);
    table.add({text_of(plugin, "name"), text_of(plugin, "version"),
               marked(text_of(plugin, "state")),
               flag_of(plugin, "isolated") ? "isolated" : "inside", joined(provides),
               joined(notes, ": ")});
  }
  if (table.empty()) return session.say("the server has no plugins"), kOk;
  session.print(table);
  return kOk;
}

}  // namespace

void add_plugin(CLI::App& app, Session& session) {
  CLI::App* plugin =
      app.add_subcommand("plugin", "the server's plugins, and your own")->require_subcommand(1);
  plugin->add_subcommand("list", "all plugins, usable or not")->callback([&session] {
    session.action = [&session] { return list_plugins(session); };
  });
  for (const auto add : {add_plugin_new, add_plugin_run, add_plugin_docs}) add(*plugin, session);
}

}  // namespace rolesync::cli
