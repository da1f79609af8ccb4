// SPDX-License-Identifier: Apache-2.0
#include "host/cli/demo/command_line.hpp"

#include <nlohmann/json.hpp>

#include "host/cli/demo/surroundings.hpp"
#include "host/cli/fields.hpp"
#include "host/cli/programs.hpp"

namespace rolesync::cli {
namespace {

Error failure(const std::vector<std::string>& arguments, const CommandLine::Outcome& outcome) {
  return {ErrorKind::failed, "demo_command_failed",
          "rolesync " + joined(arguments, " ") + " exited with " +
              std::to_string(outcome.exit_code) + ": " + outcome.words};
}

}  // namespace

void CommandLine::connect(std::string url, std::string token) {
  url_ = std::move(url);
  token_ = std::move(token);
}

CommandLine::Outcome CommandLine::execute(std::vector<std::string> argv) const {
  ChildSpec spec;
  spec.argv = std::move(argv);
  spec.environment = demo_environment();
  spec.environment["ROLESYNC_URL"] = url_;
  spec.environment["ROLESYNC_TOKEN"] = token_;
  spec.output_cap = 4 << 20;
  spec.time_limit = std::chrono::minutes(2);
  spec.cancelled = &cancelled_;
  const auto result = run_child(spec);
  if (!result) return {-1, "", result.error().message};
  return {result->exit_code, result->output,
          result->errors + (result->timed_out ? "\ntimed out" : "")};
}

CommandLine::Outcome CommandLine::run(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), program_directory() + "/rolesync");
  return execute(std::move(arguments));
}

CommandLine::Outcome CommandLine::show(std::vector<std::string> arguments) const {
  narrator_.command("rolesync " + joined(arguments, " "));
  // Words and data in one stream, in the order in which a person sees them.
  arguments.insert(arguments.begin(),
                   {"sh", "-c", R"(exec "$0" "$@" 2>&1)", program_directory() + "/rolesync"});
  Outcome outcome = execute(std::move(arguments));
  narrator_.output(outcome.output);
  outcome.words += outcome.output;
  return outcome;
}

Status CommandLine::must(const std::vector<std::string>& arguments) const {
  const Outcome outcome = run(arguments);
  return outcome.exit_code == 0 ? Status() : Status(failure(arguments, outcome));
}

Result<Json> CommandLine::json(std::vector<std::string> arguments) const {
  arguments.insert(arguments.end(), {"-o", "json"});
  const Outcome outcome = run(arguments);
  if (outcome.exit_code != 0) return failure(arguments, outcome);
  return parse_json(outcome.output, {.max_bytes = 16 << 20});
}

}  // namespace rolesync::cli
