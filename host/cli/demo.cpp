// SPDX-License-Identifier: Apache-2.0
// `rolesync demo`: try everything on this machine, without root and without leaving a trace.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/cli/commands.hpp"
#include "host/cli/demo/fleet.hpp"
#include "host/cli/demo/narrator.hpp"
#include "host/cli/demo/state_file.hpp"
#include "host/cli/demo/story.hpp"
#include "host/cli/demo/surroundings.hpp"
#include "host/cli/fields.hpp"
#include "host/cli/programs.hpp"
#include "host/cli/session.hpp"
#include "host/cli/text.hpp"

namespace rolesync::cli {
namespace {

struct DemoOptions {
  bool script = false, keep = false;
};

int print_environment(Session& session) {
  auto state = read_demo_state(demo_state_path(session.environment()));
  if (!state) return session.fail(state.error());
  session.print(shell_environment(*state, program_directory()));
  return kOk;
}

int give_up(Session& session, DemoFleet& fleet, Narrator& narrator, const Error& error) {
  if (demo_stop) return kFailed;  // somebody wanted it so
  narrator.failed(error.message);
  session.say(fleet.log_tails());
  return kFailed;
}

void invite(Narrator& narrator, const DemoFleet& fleet) {
  char ready[64];
  std::snprintf(ready, sizeof ready, "Ready after %.1f s.",
                static_cast<double>(narrator.elapsed().count()) / 1000);
  narrator.words(
      std::string("\n") + ready + " The first sync is done.\n\n  URL    " + fleet.url() +
      "\n  token  " + fleet.token() + "\n\nType this in another terminal:\n\n  eval \"$(" +
      program_directory() + "/rolesync demo env)\"\n  rolesync status\n" +
      "  cd \"$ROLESYNC_DEMO\"/repository\n  echo '<h1>Mine</h1>' > autobot-vue/index.html\n" +
      "  git commit -am 'My change'\n  rolesync status\n  rolesync plan\n" +
      "  rolesync sync frontend --approve\n\nThe nodes' disks are \"$ROLESYNC_DEMO\"/node-*/root. "
      "Ctrl-C ends and removes everything.\n\nEvents:");
}

void tell_event(Narrator& narrator, const std::string& data) {
  const auto event = parse_json(data);
  if (!event) return;
  const std::string at = text_of(*event, "at");
  std::string type = text_of(*event, "type");
  type.resize(std::max<std::size_t>(type.size(), 18), ' ');
  narrator.words("  " + (at.size() > 19 ? at.substr(11, 8) : at) + "  " +
                 printable(type + "  " + first_line(text_of(*event, "message"))));
}

// Until somebody wants to stop. The thread ends with the server, when its stream is cut.
Status follow_events(DemoFleet& fleet, Narrator& narrator) {
  auto api = Api::connect({{fleet.url(), "", ""}, fleet.token()});
  if (!api) return api.error();
  std::thread events([&] {
    (void)api->follow("/api/events", "", [&](const HttpClient::Event& event) {
      if (!demo_stop) tell_event(narrator, event.data);
      return !demo_stop.load();
    });
  });
  bool complete = true;
  while (!demo_stop && (complete = fleet.all_running()))
    wait_until(std::chrono::seconds(1), [] { return false; });
  fleet.end();
  events.join();
  if (complete) return {};
  return Error{ErrorKind::failed, "program_ended", "one of the demo's programs ended by itself"};
}

int run_demo(Session& session, const DemoOptions& options) {
  watch_signals();
  auto directory = DemoDirectory::create();
  if (!directory) return session.fail(directory.error());
  Narrator narrator(session.terminal().colour, session.quiet);
  DemoFleet fleet(std::move(*directory), narrator);
  if (options.keep) fleet.keep_directory();
  if (auto started = fleet.start(); !started)
    return give_up(session, fleet, narrator, started.error());
  if (options.script) {
    if (auto told = play_story(fleet, narrator); !told)
      return give_up(session, fleet, narrator, told.error());
    narrator.words("\nAll of it is true: " + std::to_string(narrator.checks()) +
                   " facts verified.");
    return kOk;
  }
  const std::string state_path = demo_state_path(session.environment());
  const DemoState state{::getpid(), process_start_time(::getpid()), fleet.directory(), fleet.url(),
                        fleet.token()};
  if (auto written = write_demo_state(state_path, state); !written)
    return session.fail(written.error());
  invite(narrator, fleet);
  const auto followed = follow_events(fleet, narrator);
  ::unlink(state_path.c_str());
  return followed ? kOk : give_up(session, fleet, narrator, followed.error());
}

}  // namespace

void add_demo(CLI::App& app, Session& session) {
  auto options = std::make_shared<DemoOptions>();
  CLI::App* demo = app.add_subcommand("demo", "try everything here: no root, loopback only");
  demo->add_flag("--script", options->script, "play the whole story unattended; exit 0 or 1");
  demo->add_flag("--keep", options->keep, "keep the directory for a look afterwards");
  CLI::App* env =
      demo->add_subcommand("env", "points a shell at the running demo: eval \"$(...)\"");
  demo->callback([&session, options, env] {
    if (!env->parsed())
      session.action = [&session, options] { return run_demo(session, *options); };
  });
  env->callback([&session] { session.action = [&session] { return print_environment(session); }; });
}

}  // namespace rolesync::cli
