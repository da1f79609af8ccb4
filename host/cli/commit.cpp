// SPDX-License-Identifier: Apache-2.0
// `rolesync commit list`: what was imported, and which roles each commit touches.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "host/cli/commands.hpp"
#include "host/cli/fields.hpp"
#include "host/cli/session.hpp"
#include "host/cli/text.hpp"
#include "host/cli/wall_clock.hpp"

namespace rolesync::cli {
namespace {

int list_commits(Session& session, const std::string& source, int limit) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto list = (*api)->get_list("/api/commits?source=" + encoded(source), "commits",
                               static_cast<std::size_t>(limit));
  if (!list) return session.fail(list.error());
  if (session.json()) return session.print(*list), kOk;
  Table table({"COMMIT", "IMPORTED", "ROLES", "NODES", "AUTHOR", "MESSAGE"});
  for (const Json& commit : array_of(*list, "commits")) {
    const auto roles = texts_of(commit, "roles");
    const std::string refused = text_of(object_of(commit, "refused"), "reason");
    const std::string about = refused.empty() ? joined(roles) : "refused: " + refused;
    table.add({short_commit(text_of(commit, "commit")), age_of(text_of(commit, "imported_at")),
               about.empty() ? "-" : about, std::to_string(number_of(commit, "node_count")),
               clipped(text_of(commit, "author"), 24), first_line(text_of(commit, "message"))});
  }
  if (table.empty()) return session.say("nothing imported yet: rolesync source pull"), kOk;
  session.print(table);
  return kOk;
}

}  // namespace

void add_commit(CLI::App& app, Session& session) {
  CLI::App* commit = app.add_subcommand("commit", "imported commits")->require_subcommand(1);
  auto source = std::make_shared<std::string>("main");
  auto limit = std::make_shared<int>(20);
  CLI::App* list = commit->add_subcommand("list", "newest first, with the roles each touches");
  list->add_option("--source", *source, "code source (default main)");
  list->add_option("--limit", *limit, "at most so many (default 20)")
      ->check(CLI::Range(1, 100'000));
  list->callback([&session, source, limit] {
    session.action = [&session, source, limit] { return list_commits(session, *source, *limit); };
  });
}

}  // namespace rolesync::cli
