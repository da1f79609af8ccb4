// SPDX-License-Identifier: Apache-2.0
// `rolesync plugin run FILE METHOD`: one call of a plugin, without a fleet and without root. The
// answer goes to stdout as JSON; what the plugin logs goes to stderr.
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "host/cli/plugin/author.hpp"
#include "host/cli/plugin/local_calls.hpp"
#include "host/cli/plugin/request.hpp"
#include "host/cli/plugin/transfer.hpp"
#include "host/cli/session.hpp"
#include "host/process/unique_fd.hpp"

namespace rolesync::cli {
namespace {

namespace fs = std::filesystem;

struct RunFlags {
  std::string file, method, kind, id;
  RequestFiles files;
  std::string directory, staging, state_directory;
  int time_limit_seconds = 0;
  bool in_process = false;
};

void log_to_stderr(bool quiet) {
  auto logger =
      std::make_shared<spdlog::logger>("plugin", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%l: %v");
  logger->set_level(quiet ? spdlog::level::err : spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
}

// While it lives, what the plugin prints in this process goes to stderr: stdout is the answer's.
class StdoutToStderr {
 public:
  explicit StdoutToStderr(bool wanted) : saved_(wanted ? ::dup(STDOUT_FILENO) : -1) {
    if (saved_) ::dup2(STDERR_FILENO, STDOUT_FILENO);
  }
  ~StdoutToStderr() {
    if (saved_) ::dup2(saved_.get(), STDOUT_FILENO);
  }
  StdoutToStderr(const StdoutToStderr&) = delete;
  StdoutToStderr& operator=(const StdoutToStderr&) = delete;

 private:
  const UniqueFd saved_;
};

// Where programs of the plugin run that name no directory: the role's, when it is there.
std::string directory_for(const Json& request) {
  std::error_code error;
  const auto role = request.find("role");
  if (role == request.end() || !role->is_object()) return ".";
  const auto target = role->find("target_path");
  if (target == role->end() || !target->is_string()) return ".";
  return fs::is_directory(target->get<std::string>(), error) ? target->get<std::string>() : ".";
}

Result<Json> answer(LocalCalls& calls, const RunFlags& flags) {
  if (!flags.directory.empty()) {
    if (flags.method != "fetch")
      return Error{ErrorKind::invalid, "option_unused",
                   "--directory is for fetch, which runs both halves of a deployer", ""};
    const fs::path staging =
        flags.staging.empty() ? calls.scratch() / "staging" : fs::path(flags.staging);
    auto moved = run_transfer(calls, flags.directory, staging);
    if (moved && flags.staging.empty()) moved->erase("staging");
    return moved;
  }
  if (flags.method == "fetch" && flags.files.input.empty())
    return Error{ErrorKind::invalid, "directory_missing", "fetch needs something to fetch",
                 "give --directory DIR, whose files are offered, served and fetched here"};
  auto request = make_request(calls.provided(), flags.method, flags.files, calls.ports());
  if (!request) return request.error();
  return calls.call(flags.method, *request, directory_for(*request));
}

Error explained(Error error, const plugin::Provided& provided) {
  if (error.reason == "method_unknown" && error.hint.empty()) {
    error.hint = provided.kind == "role"       ? "call spec"
                 : provided.kind == "detector" ? "call detect"
                 : provided.kind == "deployer" ? "call offer, serve or fetch"
                                               : "call status, start, stop or restart";
  }
  return error;
}

int run(Session& session, const RunFlags& flags) {
  log_to_stderr(session.quiet);
  auto file = open_plugin_file(flags.file);
  if (!file) return session.fail(file.error());
  auto provided = choose_provided(file->descriptor, flags.kind, flags.id, flags.method);
  if (!provided) return session.fail(provided.error());
  LocalCalls calls(
      *file, *provided,
      {flags.in_process, std::chrono::seconds(flags.time_limit_seconds), flags.state_directory});
  if (Status ready = calls.prepare(); !ready) return session.fail(ready.error());
  const auto said = [&] {
    const StdoutToStderr apart(flags.in_process);
    return answer(calls, flags);
  }();
  if (!said) return session.fail(explained(said.error(), calls.provided()));
  session.print(*said);
  return kOk;
}

}  // namespace

void add_plugin_run(CLI::App& plugin, Session& session) {
  auto flags = std::make_shared<RunFlags>();
  CLI::App* verb = plugin.add_subcommand("run", "call a plugin file once, on this machine");
  verb->add_option("file", flags->file, "the built plugin, <id>.so")->required();
  verb->add_option("method", flags->method,
                   "role: spec; detector: detect; restart_strategy: status, start, stop, restart; "
                   "deployer: offer, fetch")
      ->required();
  verb->add_option("--kind", flags->kind, "when it provides several kinds");
  verb->add_option("--id", flags->id, "when it provides several ids");
  verb->add_option("--role", flags->files.role, "JSON file: the role; default: a sample");
  verb->add_option("--facts", flags->files.facts, "JSON file; default: facts of this machine");
  verb->add_option("--options", flags->files.options, "JSON file: options of a restart strategy");
  verb->add_option("--input", flags->files.input, "JSON file: the whole request, as it is");
  verb->add_option("--directory", flags->directory,
                   "fetch: offer, serve and fetch the files of this directory");
  verb->add_option("--staging", flags->staging, "fetch: keep what arrives in this new directory");
  verb->add_option("--state-dir", flags->state_directory,
                   "keep here what the plugin remembers from call to call");
  verb->add_option("--timeout", flags->time_limit_seconds, "seconds; default: the plugin's own")
      ->check(CLI::Range(1, 86400));
  verb->add_flag("--in-process", flags->in_process,
                 "not in a child of its own: for debuggers, and to see what it prints");
  verb->callback(
      [&session, flags] { session.action = [&session, flags] { return run(session, *flags); }; });
}

}  // namespace rolesync::cli
