// SPDX-License-Identifier: Apache-2.0
// The verbs of `rolesync plugin` that need no server: what a plugin's author works with. Each adds
// itself to the noun and lives in the file of its name.
#pragma once

namespace CLI {
class App;
}

namespace rolesync::cli {

class Session;

void add_plugin_new(CLI::App& plugin, Session& session);
void add_plugin_check(CLI::App& plugin, Session& session);
void add_plugin_run(CLI::App& plugin, Session& session);
void add_plugin_docs(CLI::App& plugin, Session& session);

}  // namespace rolesync::cli
