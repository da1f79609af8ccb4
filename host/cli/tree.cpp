// SPDX-License-Identifier: Apache-2.0
// `rolesync node identify|adopt|verify`: what lies on a node, as the node itself measures it.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/cli/commands.hpp"
#include "host/cli/fields.hpp"
#include "host/cli/session.hpp"
#include "host/cli/text.hpp"

namespace rolesync::cli {
namespace {

constexpr std::chrono::minutes kLongestLook{11};
constexpr std::size_t kShown = 20;

struct TreeCommand {
  std::string node, role, commit;
  bool all = false;  // list every file
};

Result<Json> ask(Session& session, const TreeCommand& command, const char* verb) {
  auto api = session.api();
  if (!api) return api.error();
  (*api)->set_time_limit(kLongestLook);
  Json request = Json::object();
  if (!command.role.empty()) request["role"] = command.role;
  if (!command.commit.empty()) request["commit"] = command.commit;
  return (*api)->post("/api/nodes/" + encoded(command.node) + "/" + verb, request);
}

void print_paths(Session& session, const Json& list, const char* field, bool all) {
  std::size_t shown = 0;
  for (const Json& each : list) {
    if (!all && shown == kShown) break;
    ++shown;
    std::string word = text_of(each, field);
    word.resize(std::max<std::size_t>(word.size(), 12), ' ');
    session.print("  " + printable(word) + "  " + printable(text_of(each, "path")) + "\n");
  }
  if (list.size() > shown)
    session.print("  and " + std::to_string(list.size() - shown) + " more (--all-files)\n");
}

// True when there was one.
bool print_error(Session& session, const Json& role) {
  const Json& error = object_of(role, "error");
  if (error.empty()) return false;
  session.print(printable(text_of(role, "role_name") + ": " + text_of(error, "detail") + " [" +
                          text_of(error, "reason") + "]") +
                "\n");
  if (const auto hint = text_of(error, "hint"); !hint.empty())
    session.print("  -> " + printable(hint) + "\n");
  return true;
}

void print_identified(Session& session, const Json& role, bool all) {
  session.print(printable(text_of(role, "summary")) + "\n");
  print_paths(session, array_of(role, "differences"), "kind", all);
  print_paths(session, array_of(role, "unreadable"), "reason", all);
  if (const auto others = number_of(role, "other_count"); others > 0) {
    session.print("  " + std::string(flag_of(role, "other_count_complete") ? "" : "more than ") +
                  counted(static_cast<std::size_t>(others), "file") +
                  " of nobody, which stay as they are\n");
  }
}

int identify(Session& session, const TreeCommand& command) {
  auto answer = ask(session, command, "identify");
  if (!answer) return session.fail(answer.error());
  if (session.json()) return session.print(*answer), kOk;
  bool failed = false;
  for (const Json& role : array_of(*answer, "roles")) {
    if (print_error(session, role)) {
      failed = true;
      continue;
    }
    print_identified(session, role, command.all);
    session.say("record it:  rolesync node adopt " + command.node + " --role " +
                text_of(role, "role_name"));
  }
  if (array_of(*answer, "roles").empty()) session.say("no role of this node has files");
  return failed ? kFailed : kOk;
}

std::string proof_text(const Json& role) {
  const auto drift = static_cast<std::size_t>(number_of(role, "drift_count"));
  const auto hashed = static_cast<std::size_t>(number_of(role, "hashed"));
  return text_of(role, "role_name") + " = " + short_commit(text_of(role, "commit")) + ", " +
         (drift == 0 ? "every file as recorded" : counted(drift, "file") + " differ") + " (" +
         counted(hashed, "file") + " read)";
}

int verify(Session& session, const TreeCommand& command) {
  auto answer = ask(session, command, "verify");
  if (!answer) return session.fail(answer.error());
  bool differs = false;
  if (session.json()) session.print(*answer);
  for (const Json& role : array_of(*answer, "roles")) {
    differs = differs || number_of(role, "drift_count") > 0 || !object_of(role, "error").empty();
    if (session.json() || print_error(session, role)) continue;
    session.print(printable(proof_text(role)) + "\n");
    print_paths(session, array_of(role, "drift"), "kind", command.all);
  }
  if (array_of(*answer, "roles").empty()) session.say("nothing is installed on this node");
  return differs ? kFailed : kOk;
}

int adopt(Session& session, const TreeCommand& command) {
  auto answer = ask(session, command, "adopt");
  if (!answer) return session.fail(answer.error());
  if (session.json()) return session.print(*answer), kOk;
  session.print(printable(text_of(object_of(*answer, "identified"), "summary")) + "\n");
  session.print(printable(proof_text(*answer)) + "\n");
  print_paths(session, array_of(*answer, "drift"), "kind", command.all);
  if (const auto aside = text_of(*answer, "set_aside"); !aside.empty())
    session.say("the damaged record is kept in " + printable(aside) + " on the node");
  session.say("no file was changed; see what a sync would do:  rolesync plan --node " +
              command.node + " --role " + command.role);
  return kOk;
}

}  // namespace

void add_tree_verbs(CLI::App& node, Session& session) {
  const auto verb = [&](const char* name, const char* help, auto run) {
    auto command = std::make_shared<TreeCommand>();
    CLI::App* app = node.add_subcommand(name, help);
    app->add_option("node", command->node)->required();
    app->add_flag("--all-files", command->all, "list every file");
    app->callback([&session, command, run] {
      session.action = [&session, command, run] { return run(session, *command); };
    });
    return std::make_pair(app, command);
  };
  auto [identified, identify_command] =
      verb("identify", "which commit a tree is that rolesync did not deploy", identify);
  identified->add_option("--role", identify_command->role, "only this role");
  auto [adopted, adopt_command] =
      verb("adopt", "record what is there as the release; changes no file", adopt);
  adopted->add_option("--role", adopt_command->role, "the role")->required();
  adopted->add_option("--commit", adopt_command->commit,
                      "take it for this commit (full id) instead of the nearest");
  auto [verified, verify_command] =
      verb("verify", "read every file of what is installed again; exit 1 when one differs", verify);
  verified->add_option("--role", verify_command->role, "only this role");
}

}  // namespace rolesync::cli
