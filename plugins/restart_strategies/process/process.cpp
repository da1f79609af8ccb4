// SPDX-License-Identifier: Apache-2.0
// Restart strategy for roles that are one program in a session of its own, without a service
// manager. The process outlives the agent; it is known again by pid, start time and boot id.
#include <chrono>
#include <csignal>
#include <rolesync/restart_strategy.hpp>
#include <thread>

namespace {

using rolesync::Code;
using rolesync::Error;
using rolesync::Options;
using rolesync::ProcessId;
using rolesync::RoleData;
using rolesync::Running;
using rolesync::ServiceStatus;
using rolesync::Values;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds poll_interval{20};
constexpr milliseconds kill_patience{3000};
constexpr milliseconds early_death{250};  // a program that cannot start ends within this

std::string option(const Options& options, const char* name, const std::string& fallback) {
  const auto found = options.find(name);
  return found == options.end() || found->second.empty() ? fallback : found->second;
}

milliseconds stop_patience(const Options& options) {
  const std::string text = option(options, "stop_seconds", "10");
  if (text.size() > 4 || text.find_first_not_of("0123456789") != std::string::npos) {
    throw Error(Code::invalid, "invalid_option", "stop_seconds must be a number of seconds");
  }
  return milliseconds(1000 * std::stoi(text));
}

Values to_values(const ProcessId& process) {
  return {{"pid", process.pid}, {"start_time", process.start_time}, {"boot_id", process.boot_id}};
}

template <class T>
const T* value(const Values& values, const char* name) {
  const auto found = values.find(name);
  return found == values.end() ? nullptr : std::get_if<T>(&found->second);
}

class Process : public rolesync::RestartStrategy {
 public:
  ServiceStatus status(const RoleData& role, const Options&) override {
    const auto process = remembered(role);
    if (!process) return {Running::stopped, std::nullopt, "not started"};
    const auto now = host().process_status(*process);
    const std::string pid = "pid " + std::to_string(process->pid);
    if (now.alive) return {Running::running, now.started_at, pid};
    return {Running::failed, std::nullopt, pid + " ended by itself"};
  }

  ServiceStatus start(const RoleData& role, const Options& options) override {
    ServiceStatus before = status(role, options);
    if (before.state == Running::running) return before;
    const auto command = options.find("command");
    if (command == options.end()) {
      throw Error(Code::invalid, "option_missing",
                  "role " + role.name + " has no restart option \"command\"",
                  "set restart_options.command to the program and its arguments");
    }
    rolesync::Program program{rolesync::split_command(command->second)};
    program.directory = option(options, "directory", role.target_path);
    program.environment = {{"ROLESYNC_ROLE", role.name}};
    const std::string log = option(options, "log", role.name + ".log");
    const ProcessId process = host().start(program, log);
    host().remember(role.name, to_values(process));
    if (wait_for_end(process, early_death)) {
      throw Error(Code::failed, "process_ended_at_once",
                  "the process of role " + role.name + " ended right after its start",
                  "look at its log " + log);
    }
    return status(role, options);
  }

  ServiceStatus stop(const RoleData& role, const Options& options) override {
    const auto process = remembered(role);
    if (process) {
      host().process_signal(*process, SIGTERM);
      if (!wait_for_end(*process, stop_patience(options))) {
        host().process_signal(*process, SIGKILL);
        if (!wait_for_end(*process, kill_patience)) {
          throw Error(Code::failed, "process_not_stopped",
                      "pid " + std::to_string(process->pid) + " survived KILL");
        }
      }
      host().forget(role.name);
    }
    return {Running::stopped, std::nullopt, "stopped"};
  }

 private:
  std::optional<ProcessId> remembered(const RoleData& role) const {
    const auto values = host().recall(role.name);
    if (!values) return std::nullopt;
    const auto* pid = value<std::int64_t>(*values, "pid");
    const auto* start_time = value<std::int64_t>(*values, "start_time");
    const auto* boot_id = value<std::string>(*values, "boot_id");
    if (!pid || !start_time || !boot_id) return std::nullopt;
    return ProcessId{*pid, *start_time, *boot_id};
  }

  // True as soon as the process is gone.
  bool wait_for_end(const ProcessId& process, milliseconds patience) const {
    const auto deadline = steady_clock::now() + patience;
    while (host().process_status(process).alive) {
      if (steady_clock::now() >= deadline) return false;
      std::this_thread::sleep_for(poll_interval);
    }
    return true;
  }
};

constexpr const char* option_schema = R"({
  "command": {"type": "string", "required": true,
              "help": "program and arguments: words, or a JSON array; no shell"},
  "directory": {"type": "string", "help": "working directory; default: the role's target"},
  "log": {"type": "string", "help": "file for its output; default: <role>.log of the agent"},
  "stop_seconds": {"type": "integer", "minimum": 0, "maximum": 3600, "default": 10,
                   "help": "time between TERM and KILL"}
})";

}  // namespace

ROLESYNC_PLUGIN("process", "1.0.0",
                rolesync::restart_strategy<Process>("process")
                    .summary("a program in its own session")
                    .needs({"process.start", "process.status", "process.signal", "state.get",
                            "state.put"})
                    .options(option_schema)
                    .parallel()
                    .timeout("start", 20)
                    .timeout("stop", 60)
                    .timeout("restart", 80));
