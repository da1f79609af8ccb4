// SPDX-License-Identifier: Apache-2.0
// `rolesync`: the command line of the server's API, the demo, and the door to the other programs.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "host/cli/commands.hpp"
#include "host/cli/doctor.hpp"
#include "host/cli/programs.hpp"
#include "host/cli/session.hpp"

namespace rolesync::cli {
namespace {

constexpr const char* kAbout =
    "Puts the right part of one git repository on the right machines, and proves that it is "
    "there.\n\nTry it without installing anything: rolesync demo";

constexpr const char* kExitCodes =
    "Exit codes: 0 ok, 1 failed or differs, 2 usage, 3 not found, 4 not allowed,\n"
    "            5 conflict or stale plan, 6 partly failed, 7 timed out, 8 unreachable\n"
    "Environment: ROLESYNC_URL, ROLESYNC_TOKEN, ROLESYNC_TOKEN_FILE, ROLESYNC_CA,\n"
    "             ROLESYNC_FINGERPRINT, ROLESYNC_CONTEXT, NO_COLOR";

void add_global_options(CLI::App& app, Session& session) {
  app.add_option("-o,--output", session.output, "table (for people) or json (the API's objects)")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, Output>{{"table", Output::table}, {"json", Output::json}}))
      ->option_text("table|json");
  app.add_option("--url", session.flags.url, "the server, for example https://sync.example:8770");
  app.add_option("--token-file", session.flags.token_file, "file (0600) that holds the token");
  app.add_option("--ca-file", session.flags.ca_file, "CA that signed the server's certificate");
  app.add_option("--fingerprint", session.flags.fingerprint,
                 "SHA-256 of the server's certificate, to pin it");
  app.add_option("--context", session.flags.context, "a context of ~/.config/rolesync/config.toml");
  app.add_flag("-q,--quiet", session.quiet, "no words, only data and errors");
}

void describe_programs(CLI::App& app) {
  app.add_subcommand("server", "init|run ...: the server of this installation");
  app.add_subcommand("agent", "join|run|recover|status|doctor ...: the agent of this node");
}

int run(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  // Handed over before parsing: their options are their own.
  if (!arguments.empty() && (arguments[0] == "server" || arguments[0] == "agent"))
    return Session().fail(replace_by_program(program_arguments(arguments)));

  Session session;
  CLI::App app(kAbout, "rolesync");
  app.set_version_flag("--version", "rolesync " ROLESYNC_VERSION);
  app.footer(kExitCodes);
  app.require_subcommand(1);
  app.fallthrough();
  add_global_options(app, session);
  for (const auto add :
       {add_demo, add_status, add_plan, add_sync, add_job, add_node, add_role, add_source,
        add_commit, add_schedule, add_freeze, add_plugin, add_token, add_audit, add_approval})
    add(app, session);
  add_doctor(app, session);
  describe_programs(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& wrong) {
    app.exit(wrong);
    return kUsage;
  }
  return session.action ? session.action() : kUsage;
}

}  // namespace
}  // namespace rolesync::cli

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return rolesync::cli::run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "error: %s\n", e.what());
    return rolesync::cli::kFailed;
  }
}
