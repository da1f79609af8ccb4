// SPDX-License-Identifier: Apache-2.0
// process.* of NodeServices: programs that a plugin runs to their end, and those it leaves running.
#include <pwd.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "host/services/clock.hpp"
#include "host/services/durable_file.hpp"
#include "host/services/log_file.hpp"
#include "host/services/node_services.hpp"
#include "host/services/process_identity.hpp"
#include "host/services/request_fields.hpp"
#include "host/services/running_programs.hpp"
#include "host/values/secret.hpp"

namespace rolesync {
namespace {

constexpr const char* kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// For a program that splits its connect command at blanks but knows single quotes (rsync -e).
std::string quoted(const std::string& path) {
  return path.find(' ') == std::string::npos ? path : "'" + path + "'";
}

Error cancelled_error() {
  return {ErrorKind::conflict, "cancelled", "the call was cancelled"};
}

// Of a role's program that prints without end.
constexpr std::uint64_t kLongestLog = 10 << 20;

ProcessIdentity identity_from(RequestFields& fields) {
  ProcessIdentity process;
  process.pid = static_cast<pid_t>(fields.number("pid"));
  process.start_time = static_cast<std::uint64_t>(fields.number("start_time"));
  process.boot_id = fields.text("boot_id");
  return process;
}

// Takes a stream out of the table for a program; nothing when the request names none.
Result<std::unique_ptr<StreamDescriptor>> taken(StreamTable* streams,
                                                const std::optional<std::string>& id) {
  if (!id) return std::unique_ptr<StreamDescriptor>();
  if (!streams) return Error{ErrorKind::failed, "unsupported", "there are no streams here"};
  Result<std::unique_ptr<Stream>> stream = streams->take(*id);
  if (!stream) return stream.error();
  return std::make_unique<StreamDescriptor>(std::move(*stream));
}

Json to_json(const ChildResult& result) {
  return {{"exit_code", result.exit_code},
          {"signal", result.signal},
          {"timed_out", result.timed_out},
          {"output", result.output},
          {"errors", result.errors}};
}

}  // namespace

std::map<std::string, std::string> minimal_environment(uid_t user) {
  std::string buffer(16384, '\0');
  passwd entry{}, *found = nullptr;
  ::getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found);
  return {{"PATH", kPath}, {"LANG", "C.UTF-8"}, {"HOME", found ? found->pw_dir : "/"}};
}

Result<ChildSpec> NodeServices::program_spec(const Json& request) const {
  if (!options_.programs) return options_.programs.error();
  RequestFields fields(request, {"argv", "directory", "environment", "input", "timeout_seconds",
                                 "attach", "connect", "log"});
  ChildSpec spec;
  spec.argv = fields.texts("argv");
  spec.directory = fields.optional_text("directory").value_or(options_.directory);
  spec.input = fields.optional_text("input").value_or("");
  const auto variables = fields.text_map("environment");
  const std::optional<double> seconds = fields.optional_number("timeout_seconds");
  if (Status status = fields.status(); !status) return status.error();
  spec.uid = options_.programs->uid;
  spec.gid = options_.programs->gid;
  spec.environment = minimal_environment(spec.uid.value_or(::geteuid()));
  for (const auto& [name, value] : options_.environment) spec.environment[name] = value;
  for (const auto& [name, value] : variables) spec.environment[name] = value;
  spec.time_limit = options_.time_limit;
  if (seconds && *seconds > 0) {
    spec.time_limit =
        std::chrono::milliseconds(static_cast<std::int64_t>(std::min(*seconds, 86'400.0) * 1000));
  }
  spec.cancelled = options_.cancelled;
  for (std::string& argument : spec.argv) {
    if (argument == "@connect") argument = quoted(options_.plugin_host_program) + " --bridge 3";
  }
  return spec;
}

Result<Json> NodeServices::run_program(const Json& request) {
  Result<ChildSpec> spec = program_spec(request);
  if (!spec) return spec.error();
  RequestFields fields(request, {"argv", "directory", "environment", "input", "timeout_seconds",
                                 "attach", "connect"});
  const auto attach = fields.optional_text("attach");
  const auto connect = fields.optional_text("connect");
  if (Status status = fields.status(); !status) return status.error();
  auto stdio = taken(options_.streams, attach);
  if (!stdio) return stdio.error();
  auto connection = taken(options_.streams, connect);
  if (!connection) return connection.error();
  if (*stdio) spec->stdio_fd = (*stdio)->get();
  if (*connection) spec->connection_fd = (*connection)->get();
  std::optional<RunningProgram> on_record;
  if (!options_.programs_root.empty()) {
    spec->started = [&](pid_t pid) { on_record.emplace(options_.programs_root, pid); };
  }
  Result<ChildResult> result = run_child(*spec);
  if (!result) return result.error();
  if (result->was_cancelled) return cancelled_error();
  return to_json(*result);
}

// A plain name is a file in our own log directory; a path must be under the allowed roots.
Result<std::string> NodeServices::log_path(const std::string& named) const {
  if (named.empty()) return named;
  if (named.find('/') != std::string::npos) {
    Result<std::string> root = allowed_root_of(options_.limits, named);
    return root.ok() ? Result<std::string>(named) : root;
  }
  if (options_.log_root.empty() || named[0] == '.') {
    return Error{ErrorKind::invalid, "invalid_request", "'" + named + "' is no name for a log",
                 "give an absolute path under the node's allowed roots"};
  }
  if (Status made = make_directories(options_.log_root); !made) return made.error();
  return options_.log_root + "/" + named;
}

Result<Json> NodeServices::start_program(const Json& request) {
  Result<ChildSpec> spec = program_spec(request);
  if (!spec) return spec.error();
  RequestFields fields(request, {"argv", "directory", "environment", "log"});
  const std::string named = fields.optional_text("log").value_or("");
  if (Status status = fields.status(); !status) return status.error();
  Result<std::string> log = log_path(named);
  if (!log) return log.error();
  const std::string mark = random_hex(8);
  spec->environment[kProcessMark] = mark;
  Result<pid_t> pid = start_detached(*spec, *log);
  if (!pid) return pid.error();
  std::optional<ProcessIdentity> process = identify_process(*pid);
  if (!process) {
    return Error{ErrorKind::failed, "spawn_failed",
                 "'" + spec->argv[0] + "' ended as soon as it was started",
                 "look at its log " + *log};
  }
  return Json{{"pid", process->pid},
              {"start_time", process->start_time},
              {"boot_id", process->boot_id},
              {"mark", mark}};
}

Result<Json> NodeServices::program_status(const Json& request) {
  RequestFields fields(request, {"pid", "start_time", "boot_id", "mark", "log"});
  const ProcessIdentity process = identity_from(fields);
  const std::string mark = fields.optional_text("mark").value_or("");
  const std::string log = fields.optional_text("log").value_or("");
  if (Status status = fields.status(); !status) return status.error();
  // Only in our own directory: elsewhere the owner of a path could lead us to another file.
  if (!log.empty() && log.find('/') == std::string::npos && !options_.log_root.empty()) {
    Result<std::string> path = log_path(log);
    if (path) (void)bound_log(*path, kLongestLog);
  }
  std::optional<Millis> since = running_since(process);
  if (since) note_start(since, running_since_boot(process));
  Json started_at;
  if (since) started_at = to_rfc3339(*since);
  // Whoever else it left behind is only of interest when it is gone itself: the look is not cheap.
  const std::size_t others = since ? 0 : processes_marked(mark).size();
  const bool same_boot = process.boot_id == real_clock().boot_id();
  return Json{{"alive", since.has_value()},
              {"started_at", std::move(started_at)},
              {"others", others},
              {"reason", since       ? ""
                         : same_boot ? "ended"
                                     : "other_boot"}};
}

Result<Json> NodeServices::signal_program(const Json& request) {
  RequestFields fields(request, {"pid", "start_time", "boot_id", "mark", "log", "signal"});
  const ProcessIdentity process = identity_from(fields);
  const std::string mark = fields.optional_text("mark").value_or("");
  const std::int64_t signal = fields.number("signal");
  if (Status status = fields.status(); !status) return status.error();
  if (signal < 1 || signal > 64) {
    return Error{ErrorKind::invalid, "invalid_request",
                 std::to_string(signal) + " is not a signal"};
  }
  if (!options_.programs) return options_.programs.error();
  if (Status sent = signal_process(process, static_cast<int>(signal)); !sent) return sent.error();
  signal_marked(mark, static_cast<int>(signal));
  return Json::object();
}

}  // namespace rolesync
