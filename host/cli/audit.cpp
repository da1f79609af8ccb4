// SPDX-License-Identifier: Apache-2.0
// `rolesync audit list|export|verify`: who changed what, and whether the log is whole.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "host/cli/commands.hpp"
#include "host/cli/fields.hpp"
#include "host/cli/session.hpp"

namespace rolesync::cli {
namespace {

struct AuditOptions {
  std::string actor, action, subject, since, until, head;
  int limit = 50;
};

std::string path_of(const AuditOptions& options, const char* sort) {
  std::string path = std::string("/api/audit?sort=") + sort;
  const std::pair<const char*, const std::string*> filters[] = {{"actor", &options.actor},
                                                                {"action", &options.action},
                                                                {"subject", &options.subject},
                                                                {"since", &options.since},
                                                                {"until", &options.until}};
  for (const auto& [name, value] : filters) {
    if (!value->empty()) path += "&" + std::string(name) + "=" + encoded(*value);
  }
  return path;
}

int list_audit(Session& session, const AuditOptions& options) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto list = (*api)->get_list(path_of(options, "-sequence"), "entries",
                               static_cast<std::size_t>(options.limit));
  if (!list) return session.fail(list.error());
  if (session.json()) return session.print(*list), kOk;
  Table table({"NUMBER", "AT", "WHO", "DID", "TO", "DETAILS"});
  for (const Json& entry : array_of(*list, "entries")) {
    const Json& details = object_of(entry, "details");
    table.add({std::to_string(number_of(entry, "sequence")), text_of(entry, "at"),
               text_of(entry, "actor"), text_of(entry, "action"), text_of(entry, "subject"),
               details.empty() ? "" : to_text(details)});
  }
  session.print(table);
  if (!text_of(*list, "next_page_token").empty())
    session.say("there are more: --limit, or rolesync audit export");
  return kOk;
}

// Oldest first, one line of JSON each: a later export goes on where this one ended.
int export_audit(Session& session, const AuditOptions& options) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  std::string token;
  do {
    auto page = (*api)->get(path_of(options, "sequence") + "&limit=500" +
                            (token.empty() ? "" : "&page_token=" + encoded(token)));
    if (!page) return session.fail(page.error());
    for (const Json& entry : array_of(*page, "entries")) session.print(to_text(entry) + "\n");
    token = text_of(*page, "next_page_token");
  } while (!token.empty());
  return kOk;
}

// "SEQUENCE:HASH", as an earlier verify has printed it.
int verify_audit(Session& session, const AuditOptions& options) {
  const std::size_t colon = options.head.find(':');
  const std::string number = options.head.substr(0, colon);
  if (!options.head.empty() && (colon == std::string::npos || number.empty() ||
                                number.find_first_not_of("0123456789") != std::string::npos)) {
    return session.fail({ErrorKind::invalid, "usage", "--head is NUMBER:HASH",
                         "as an earlier `rolesync audit verify` has printed it"});
  }
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto check =
      (*api)->get("/api/audit/verify" + (options.head.empty() ? "" : "?at=" + encoded(number)));
  if (!check) return session.fail(check.error());
  const bool whole = flag_of(*check, "whole");
  const bool same =
      options.head.empty() || text_of(*check, "hash_at") == options.head.substr(colon + 1);
  const std::string head =
      std::to_string(number_of(*check, "last_sequence")) + ":" + text_of(*check, "last_hash");
  if (session.json()) {
    session.print(*check);
  } else if (whole && same) {
    session.print(head + "\n");
  }
  if (!whole) {
    return session.fail({ErrorKind::failed, "audit_broken",
                         "the audit log does not hold at entry " +
                             std::to_string(number_of(*check, "broken_at")) + ": " +
                             text_of(*check, "fault"),
                         "compare with an export or a backup of before"});
  }
  if (!same) {
    return session.fail(
        {ErrorKind::failed, "audit_rewritten",
         "entry " + number + " is not the one that was there when its hash was kept",
         "compare with an export or a backup of before"});
  }
  session.say("whole: " + std::to_string(number_of(*check, "entries")) +
              " entries; keep the line above elsewhere and give it to a later verify with --head");
  return kOk;
}

void add_filters(CLI::App* command, AuditOptions& options) {
  command->add_option("--actor", options.actor, "who: a token's name or a node");
  command->add_option("--action", options.action, "for example role.update");
  command->add_option("--subject", options.subject, "for example role/frontend");
  command->add_option("--since", options.since, "a time like 2026-11-28T00:00:00Z");
  command->add_option("--until", options.until, "likewise, exclusive");
}

}  // namespace

void add_audit(CLI::App& app, Session& session) {
  CLI::App* audit = app.add_subcommand("audit", "who changed what")->require_subcommand(1);
  auto options = std::make_shared<AuditOptions>();
  const auto runs = [&session, options](CLI::App* command, auto action) {
    command->callback([&session, options, action] {
      session.action = [&session, options, action] { return action(session, *options); };
    });
  };
  CLI::App* list = audit->add_subcommand("list", "newest first");
  add_filters(list, *options);
  list->add_option("--limit", options->limit, "at most so many (default 50)")
      ->check(CLI::Range(1, 100'000));
  runs(list, list_audit);
  CLI::App* lines = audit->add_subcommand("export", "oldest first, one line of JSON each");
  add_filters(lines, *options);
  runs(lines, export_audit);
  CLI::App* verify =
      audit->add_subcommand("verify", "computes every hash anew; exit 1 when one does not hold");
  verify->add_option("--head", options->head, "NUMBER:HASH of an earlier verify must still hold");
  runs(verify, verify_audit);
}

}  // namespace rolesync::cli
