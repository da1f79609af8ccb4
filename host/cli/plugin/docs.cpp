// SPDX-License-Identifier: Apache-2.0
// `rolesync plugin docs FILE`: Markdown from the plugin's descriptor.
#include <CLI/CLI.hpp>
#include <memory>

#include "host/cli/plugin/author.hpp"
#include "host/cli/plugin/markdown.hpp"
#include "host/cli/plugin/plugin_file.hpp"
#include "host/cli/session.hpp"

namespace rolesync::cli {

void add_plugin_docs(CLI::App& plugin, Session& session) {
  auto path = std::make_shared<std::string>();
  CLI::App* verb = plugin.add_subcommand("docs", "a page about a plugin file, in Markdown");
  verb->add_option("file", *path, "the built plugin, <id>.so")->required();
  verb->callback([&session, path] {
    session.action = [&session, path]() -> int {
      const auto file = open_plugin_file(*path);
      if (!file) return session.fail(file.error());
      session.print(plugin_markdown(file->descriptor));
      return kOk;
    };
  });
}

}  // namespace rolesync::cli
