// SPDX-License-Identifier: Apache-2.0
// Restart strategy for whatever has its own control program: the role's options say which commands
// start, stop, restart and query it. `status` answers by its exit code as init scripts do.
#include <rolesync/restart_strategy.hpp>

namespace {

using rolesync::Code;
using rolesync::Error;
using rolesync::Options;
using rolesync::ProgramResult;
using rolesync::RoleData;
using rolesync::Running;
using rolesync::ServiceStatus;

int timeout_of(const Options& options) {
  const auto given = options.find("timeout_seconds");
  if (given == options.end()) return 60;
  const std::string& text = given->second;
  if (text.empty() || text.size() > 4 ||
      text.find_first_not_of("0123456789") != std::string::npos || std::stoi(text) == 0) {
    throw Error(Code::invalid, "invalid_option", "timeout_seconds must be a number of seconds");
  }
  return std::stoi(text);
}

class CommandStrategy : public rolesync::RestartStrategy {
 public:
  ServiceStatus status(const RoleData& role, const Options& options) override {
    if (!options.count("status")) {
      return {Running::unknown, std::nullopt, "the role has no status command"};
    }
    const ProgramResult result = run("status", role, options);
    return {state_of(result), std::nullopt, "status command: " + result.explain()};
  }

  ServiceStatus start(const RoleData& role, const Options& options) override {
    return act("start", Running::running, role, options);
  }

  ServiceStatus stop(const RoleData& role, const Options& options) override {
    return act("stop", Running::stopped, role, options);
  }

  ServiceStatus restart(const RoleData& role, const Options& options) override {
    if (!options.count("restart")) return RestartStrategy::restart(role, options);
    return act("restart", Running::running, role, options);
  }

 private:
  // Exit codes of init scripts: 0 runs, 1 and 2 died, 3 stopped, others not known.
  static Running state_of(const ProgramResult& result) {
    if (result.timed_out) return Running::unknown;
    switch (result.exit_code) {
      case 0:
        return Running::running;
      case 1:
      case 2:
        return Running::failed;
      case 3:
        return Running::stopped;
      default:
        return Running::unknown;
    }
  }

  ProgramResult run(const char* action, const RoleData& role, const Options& options) const {
    const auto command = options.find(action);
    if (command == options.end()) {
      throw Error(Code::invalid, "option_missing",
                  "role " + role.name + " has no restart option \"" + action + "\"",
                  std::string("set restart_options.") + action + " to a program and its arguments");
    }
    rolesync::Program program{rolesync::split_command(command->second)};
    program.directory = role.target_path;
    program.environment = {{"ROLESYNC_ROLE", role.name}};
    program.timeout_seconds = timeout_of(options);
    return host().run(program);
  }

  ServiceStatus act(const char* action, Running wanted, const RoleData& role,
                    const Options& options) {
    const ProgramResult result = run(action, role, options);
    if (!result.succeeded()) {
      throw Error(Code::failed, "command_failed",
                  std::string(action) + " command of role " + role.name + ": " + result.explain());
    }
    if (!options.count("status")) return {wanted, std::nullopt, "as its command says"};
    return status(role, options);
  }
};

constexpr const char* option_schema = R"({
  "start": {"type": "string", "required": true,
            "help": "program and arguments: words, or a JSON array; no shell"},
  "stop": {"type": "string", "required": true, "help": "likewise"},
  "restart": {"type": "string", "help": "likewise; default: stop, then start"},
  "status": {"type": "string", "help": "exit 0 runs, 1 or 2 failed, 3 stopped"},
  "timeout_seconds": {"type": "integer", "minimum": 1, "maximum": 3600, "default": 60,
                      "help": "how long each command may take"}
})";

}  // namespace

ROLESYNC_PLUGIN("command", "1.0.0",
                rolesync::restart_strategy<CommandStrategy>("command")
                    .summary("commands of the role's own")
                    .needs({"process.run"})
                    .options(option_schema)
                    .parallel()
                    .timeout("status", 20)
                    .timeout("start", 70)
                    .timeout("stop", 70)
                    .timeout("restart", 140));
