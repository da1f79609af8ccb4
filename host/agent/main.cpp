// SPDX-License-Identifier: Apache-2.0
// rolesync-agent run | join | recover | doctor | status
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <thread>

#include "host/agent/agent.hpp"
#include "host/agent/contact_text.hpp"
#include "host/agent/doctor/doctor.hpp"
#include "host/agent/identity.hpp"
#include "host/agent/log.hpp"
#include "host/agent/recovery.hpp"
#include "host/agent/self_update/fall_back.hpp"
#include "host/agent/self_update/guardian.hpp"
#include "host/agent/self_update/self_updater.hpp"
#include "host/agent/version.hpp"
#include "host/process/replace.hpp"
#include "host/services/file_system.hpp"
#include "host/services/own_process.hpp"
#include "host/services/service_manager.hpp"

extern char** environ;

namespace rolesync::agent {
namespace {

// Exit codes of the command line: 1 failed, 2 usage, 4 not allowed, 8 unreachable.
int exit_code(const Error& error) {
  switch (error.kind) {
    case ErrorKind::invalid:
      return 2;
    case ErrorKind::denied:
    case ErrorKind::unauthenticated:
      return 4;
    case ErrorKind::unavailable:
    case ErrorKind::timeout:
      return 8;
    default:
      return 1;
  }
}

int complain(const Error& error) {
  std::cerr << "rolesync-agent: " << error.text() << "\n";
  return exit_code(error);
}

std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> variables;
  for (char** each = environ; *each; ++each) {
    const std::string line(*each);
    const std::size_t equals = line.find('=');
    if (equals != std::string::npos) variables[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return variables;
}

// Work in progress that cannot be interrupted is left to its record: the next start goes on.
constexpr std::chrono::milliseconds kEndWithin{800};

// The old agent's path when it had to be put back: then it is that which must run.
Result<std::string> undo_under_lock(const AgentConfig& config) {
  // Usually there is nothing to undo, and the lock is left to whoever has it.
  if (const auto attempt = AttemptStore(config).load();
      attempt && (!attempt->has_value() || (*attempt)->is_this_process())) {
    return std::string();
  }
  for (int tries = 0;; ++tries) {
    Result<UniqueFd> lock = lock_state(config);
    if (lock) return undo_unconfirmed(config);
    if (tries == 100) return lock.error();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // the guardian is at it
  }
}

bool wait_for_end(const sigset_t& signals, const Agent& agent) {
  for (;;) {
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal == SIGUSR1 && !agent.wants_restart()) continue;
    log_event(LogLevel::info, "agent.stopping", {{"signal", std::to_string(signal)}});
    return signal == SIGUSR1;
  }
}

int run(const AgentConfig& config, const sigset_t& signals) {
  const std::string program = our_program();
  const std::vector<std::string> arguments = our_arguments();
  const Result<std::string> undone = undo_under_lock(config);
  if (undone && !undone->empty()) return complain(replace_program(*undone, arguments));
  take_over_children();
  if (!undone) log_event(LogLevel::error, "self_update.stays", {{"detail", undone.error().text()}});
  Result<std::unique_ptr<Agent>> agent = Agent::start(config);
  if (!agent) return complain(agent.error());
  const bool again = wait_for_end(signals, **agent);
  const auto leave = [&] {
    if (again) complain(replace_program(program, arguments));
    ::_exit(again ? 1 : 0);
  };
  if (!again) {
    tell_service_manager("STOPPING=1");
    end_run(config);
  }
  std::thread([&leave] {
    std::this_thread::sleep_for(kEndWithin);
    leave();
  }).detach();
  (*agent)->stop();
  agent->reset();
  leave();
  return 0;
}

int recover(const AgentConfig& config) {
  const Result<std::string> undone = undo_under_lock(config);
  Result<UniqueFd> lock = lock_state(config);
  if (!lock) return complain(lock.error());
  Installations installations(real_file_system(), config);
  Status recovered = recover_installations(installations);
  if (!recovered) return complain(recovered.error());
  return undone ? 0 : complain(undone.error());
}

int print_status(const AgentConfig& config) {
  const Result<std::optional<ContactStatus>> status = read_contact_status(config.state_dir);
  if (!status) return complain(status.error());
  std::cout << contact_text(*status);
  return contact_exit_code(*status);
}

struct Options {
  ConfigFlags flags;
  std::string url, token, token_file;
  bool json = false;
};

int examine(const Options& options) {
  configure_log("text", "error");  // the findings say it
  const doctor::Findings findings = doctor::examine(options.flags, environment());
  std::cout << (options.json ? doctor::to_json_text(findings) + "\n" : doctor::to_table(findings));
  return doctor::any_failed(findings) ? 1 : 0;
}

int join_node(const AgentConfig& config, const Options& options) {
  std::string token = options.token;
  if (!options.token_file.empty()) {
    std::FILE* file = std::fopen(options.token_file.c_str(), "re");
    char line[1024] = "";
    const bool read = file && std::fgets(line, sizeof line, file);
    if (file) std::fclose(file);
    if (!read) {
      return complain({ErrorKind::invalid, "invalid_token", "cannot read " + options.token_file});
    }
    token.assign(line, std::string(line).find_last_not_of(" \r\n") + 1);
  }
  Status joined = join(config, options.url, token);
  if (!joined) return complain(joined.error());
  std::cerr << "joined as " << config.node_id << "; start it with `rolesync-agent run`\n";
  return 0;
}

void add_common(CLI::App& command, ConfigFlags& flags) {
  command.add_option("--config", flags.config_file, "TOML file (/etc/rolesync/agent.toml)");
  command.add_option("--state-dir", flags.state_dir, "where the agent keeps its state");
  command.add_option("--node-id", flags.node_id, "what this node is called");
}

int main_with(int argc, char** argv, const sigset_t& signals) {
  Options options;
  CLI::App app{"The rolesync agent: keeps this node's roles as its server says, within its limits"};
  app.set_version_flag("--version", kAgentVersion);
  app.require_subcommand(1);
  CLI::App* run_command = app.add_subcommand("run", "serve this node until SIGTERM");
  add_common(*run_command, options.flags);
  run_command->add_option("--server", options.flags.server_url, "the server's URL");
  run_command->add_option("--plugin-dir", options.flags.plugin_dirs, "instead of plugin_dirs");
  CLI::App* join_command = app.add_subcommand("join", "enrol this node with a join token");
  add_common(*join_command, options.flags);
  join_command->add_option("url", options.url, "the server's URL")->required();
  auto* token = join_command->add_option("token", options.token, "rsj....");
  join_command->add_option("--token-file", options.token_file, "a file that holds the token")
      ->excludes(token);
  CLI::App* recover_command =
      app.add_subcommand("recover", "end interrupted switches, before the services start");
  add_common(*recover_command, options.flags);
  CLI::App* doctor_command =
      app.add_subcommand("doctor", "what this machine lacks for the agent, and how to help it");
  add_common(*doctor_command, options.flags);
  doctor_command->add_flag("--json", options.json, "for programs");
  CLI::App* status_command =
      app.add_subcommand("status", "how the agent of this node stands with its server");
  add_common(*status_command, options.flags);
  CLI::App* guard_command = app.add_subcommand("guard", "watches over a new agent");
  add_common(*guard_command, options.flags);
  guard_command->group("");  // for ourselves
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : 2;
  }
  if (*doctor_command) return examine(options);
  Result<AgentConfig> config = load_config(options.flags, environment());
  if (!config) return complain(config.error());
  configure_log(config->log_format, config->log_level);
  if (*join_command) return join_node(*config, options);
  if (*recover_command) return recover(*config);
  if (*status_command) return print_status(*config);
  if (*guard_command) return guard(*config);
  if (Status complete = check_config(*config); !complete) return complain(complete.error());
  return run(*config, signals);
}

}  // namespace
}  // namespace rolesync::agent

int main(int argc, char** argv) {
  // Before the first thread: all of them leave these signals to sigwait().
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGUSR1);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGCHLD, SIG_DFL);
  rolesync::keep_heaps(1);
  try {
    return rolesync::agent::main_with(argc, argv, signals);
  } catch (const std::exception& error) {
    std::cerr << "rolesync-agent: " << error.what() << "\n";
    return 1;
  }
}
