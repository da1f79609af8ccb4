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

std::string option(const Options& options, const char* name, const std::string& fallback) {
  const auto found = options.find(name);
  return found == options.end() || found->second.empty() ? fallback : found->second;
}

milliseconds seconds_of(const Options& options, const char* name, const char* fallback) {
  const std::string text = option(options, name, fallback);
  if (text.size() > 4 || text.find_first_not_of("0123456789") != std::string::npos) {
    throw Error(Code::invalid, "invalid_option",
                std::string(name) + " must be a number of seconds");
  }
  return milliseconds(1000 * std::stoi(text));
}

Values to_values(const ProcessId& process) {
  return {{"pid", process.pid},
          {"start_time", process.start_time},
          {"boot_id", process.boot_id},
          {"mark", process.mark},
          {"log", process.log}};
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
    if (now.others > 0) {
      return {Running::failed, std::nullopt,
              pid + " ended, but " + std::to_string(now.others) + " of its processes live on",
              "process_forked"};
    }
    if (now.reason == "other_boot") {
      return {Running::stopped, std::nullopt, "not started since the node was",
              "process_gone_at_boot"};
    }
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
    const milliseconds settle = seconds_of(options, "settle_seconds", "1");
    if (before.reason == "process_forked") stop(role, options);  // or there would be two of them
    rolesync::Program program{rolesync::split_command(command->second)};
    program.directory = option(options, "directory", role.target_path);
    program.environment = {{"ROLESYNC_ROLE", role.name}};
    const std::string log = option(options, "log", role.name + ".log");
    const bool port_was_taken = role.port && host().port_listening(*role.port);
    const ProcessId process = host().start(program, log);
    host().remember(role.name, to_values(process));
    if (wait_for_end(process, settle, Ending::of_leader)) {
      complain(role, process, log, port_was_taken);
    }
    return status(role, options);
  }

  ServiceStatus stop(const RoleData& role, const Options& options) override {
    const auto process = remembered(role);
    if (process) {
      host().process_signal(*process, SIGTERM);
      if (!wait_for_end(*process, seconds_of(options, "stop_seconds", "10"), Ending::of_all)) {
        host().process_signal(*process, SIGKILL);
        if (!wait_for_end(*process, kill_patience, Ending::of_all)) {
          throw Error(Code::failed, "process_not_stopped",
                      "pid " + std::to_string(process->pid) + " survived KILL",
                      "it waits for a device or a file system; look at it with ps");
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
    const auto* mark = value<std::string>(*values, "mark");  // not in records of older versions
    const auto* log = value<std::string>(*values, "log");
    return ProcessId{*pid, *start_time, *boot_id, mark ? *mark : "", log ? *log : ""};
  }

  enum class Ending { of_leader, of_all };

  // True as soon as the process is gone, and with `of_all` what came from it.
  bool wait_for_end(const ProcessId& process, milliseconds patience, Ending ending) const {
    const auto deadline = steady_clock::now() + patience;
    for (;;) {
      const auto now = host().process_status(process);
      if (!now.alive && (ending == Ending::of_leader || now.others == 0)) return true;
      if (host().cancelled()) throw Error(Code::cancelled, "cancelled", "the call was cancelled");
      if (steady_clock::now() >= deadline) return false;
      std::this_thread::sleep_for(poll_interval);
    }
  }

  // Why a program did not stay.
  [[noreturn]] void complain(const RoleData& role, const ProcessId& process, const std::string& log,
                             bool port_was_taken) const {
    const std::string what = "the process of role " + role.name;
    if (host().process_status(process).others > 0) {
      host().process_signal(process, SIGKILL);
      throw Error(Code::failed, "process_forked",
                  what + " put itself into the background, where nobody can tell whether it runs",
                  "start it in the foreground; what it had started was killed");
    }
    if (port_was_taken) {
      throw Error(Code::failed, "port_taken",
                  what + " ended right after its start: port " + std::to_string(*role.port) +
                      " was taken already by another program",
                  "see who listens there with ss -ltnp; the program's log is " + log);
    }
    throw Error(Code::failed, "process_ended_at_once", what + " ended right after its start",
                "look at its log " + log);
  }
};

constexpr const char* option_schema = R"({
  "command": {"type": "string", "required": true,
              "help": "program and arguments: words, or a JSON array; no shell"},
  "directory": {"type": "string", "help": "working directory; default: the role's target"},
  "log": {"type": "string", "help": "file for its output; default: <role>.log of the agent"},
  "settle_seconds": {"type": "integer", "minimum": 0, "maximum": 600, "default": 1,
                     "help": "how long it must keep running after its start to count as started"},
  "stop_seconds": {"type": "integer", "minimum": 0, "maximum": 3600, "default": 10,
                   "help": "time between TERM and KILL"}
})";

}  // namespace

ROLESYNC_PLUGIN("process", "1.1.0",
                rolesync::restart_strategy<Process>("process")
                    .summary("a program in its own session")
                    .needs({"process.start", "process.status", "process.signal", "port.listening",
                            "state.get", "state.put", "job.cancelled"})
                    .options(option_schema)
                    .parallel()
                    .timeout("start", 700)
                    .timeout("stop", 3700)
                    .timeout("restart", 4400));
