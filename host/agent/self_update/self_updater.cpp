// SPDX-License-Identifier: Apache-2.0
#include "host/agent/self_update/self_updater.hpp"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "host/agent/log.hpp"
#include "host/services/durable_file.hpp"
#include "host/services/service_manager.hpp"

extern char** environ;

namespace rolesync::agent {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kLook{50};
constexpr std::chrono::seconds kTrialLimit{20};  // of `--version`
constexpr std::chrono::milliseconds kOnTheWay{200};
constexpr std::chrono::seconds kReportLimit{5};    // for the server to hear that we restart
constexpr std::chrono::seconds kGuardianLate{30};  // beyond the limit, then it must be gone

// Where our program is below the role's target; "" when it is not.
std::string path_in_role(const std::string& program, const Role& role) {
  std::error_code failure;
  const auto target = std::filesystem::canonical(role.target_path, failure);
  if (failure) return "";
  const std::string prefix = target.string() + "/";
  return program.rfind(prefix, 0) == 0 ? program.substr(prefix.size()) : "";
}

std::map<std::string, std::string> our_environment() {
  std::map<std::string, std::string> variables;
  for (char** each = environ; *each; ++each) {
    const std::string line(*each);
    const std::size_t equals = line.find('=');
    if (equals != std::string::npos) variables[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return variables;
}

}  // namespace

std::string our_program() {
  std::error_code failure;
  return std::filesystem::read_symlink("/proc/self/exe", failure).string();
}

std::vector<std::string> our_arguments() {
  const Result<std::optional<std::string>> text = read_if_there("/proc/self/cmdline");
  std::vector<std::string> arguments;
  if (!text || !text->has_value()) return arguments;
  for (std::size_t begin = 0; begin < (*text)->size();) {
    const std::size_t end = std::min((*text)->find('\0', begin), (*text)->size());
    arguments.push_back((*text)->substr(begin, end - begin));
    begin = end + 1;
  }
  return arguments;
}

SelfUpdater::SelfUpdater(Parts parts)
    : parts_(std::move(parts)),
      store_(parts_.config),
      program_(our_program()),
      arguments_(our_arguments()) {}

Error SelfUpdater::unconfirmed(const std::string& cause) const {
  return {ErrorKind::failed, "self_update_unconfirmed", cause,
          "see the agent's log on the node; the old agent is back"};
}

Status SelfUpdater::prepare(const TaskRecord& record, const Manifest& next) {
  const Role& role = record.task.role;
  const std::string path = path_in_role(program_, role);
  if (path.empty()) {
    log_event(LogLevel::warning, "self_update.elsewhere",
              {{"task", record.task.task_id},
               {"program", program_},
               {"detail", "the agent does not run from " + role.target_path +
                              ": start it from there once, then it updates itself"}});
    return {};
  }
  if (!record.had_release) {
    return Error{ErrorKind::conflict, "self_update_first_install",
                 "the agent runs from " + program_ + ", which no release of role " + role.name +
                     " has brought, so there would be no way back",
                 "adopt that tree first, or install the role while the agent runs from elsewhere"};
  }
  if (!next.find(path)) {
    return Error{
        ErrorKind::conflict, "self_update_incomplete",
        "the new release of role " + role.name + " has no " + path + ", which the agent is",
        "correct the role's sources"};
  }
  if (Status kept = store_.keep_program(); !kept) return kept;
  Attempt attempt;
  attempt.task_id = record.task.task_id;
  attempt.role = role;
  attempt.program = program_;
  attempt.arguments = arguments_;
  attempt.supervised = is_supervised();
  return store_.save(attempt);
}

Status SelfUpdater::restart(const TaskRecord& record) {
  Result<std::optional<Attempt>> attempt = store_.load();
  if (!attempt) return attempt.error();
  // None: we run from elsewhere, or have been confirmed and died before the task could say so.
  if (!attempt->has_value() || (*attempt)->task_id != record.task.task_id) return {};
  return (*attempt)->is_this_process() ? confirm(**attempt) : hand_over(std::move(**attempt));
}

// What can be known without giving up the agent that runs.
Status SelfUpdater::try_program() const {
  ChildSpec spec;
  spec.argv = {program_, "--version"};
  spec.directory = "/";
  spec.environment = our_environment();
  spec.time_limit = kTrialLimit;
  spec.cancelled = &parts_.stopping;
  const Result<ChildResult> result = run_child(spec);
  if (!result) return unconfirmed("the new agent cannot be started: " + result.error().message);
  if (result->succeeded()) return {};
  return unconfirmed("the new agent does not even tell its version: " + result->explain());
}

Status SelfUpdater::start_guardian(const Attempt& attempt) const {
  ChildSpec spec;
  spec.argv = {store_.kept_program(), "guard", "--state-dir", parts_.config.state_dir};
  if (!parts_.config.config_file.empty()) {
    spec.argv.insert(spec.argv.end(), {"--config", parts_.config.config_file});
  }
  spec.directory = "/";
  spec.environment = our_environment();
  spec.time_limit = kTrialLimit;
  const Result<ChildResult> result = run_child(spec);
  if (result && result->succeeded()) return {};
  return unconfirmed("nobody could watch over the new agent of task " + attempt.task_id + ": " +
                     (result ? result->explain() : result.error().message));
}

Status SelfUpdater::hand_over(Attempt attempt) {
  if (Status usable = try_program(); !usable) return usable;
  // The server should know why it does not hear of us for a while.
  for (const auto until = Clock::now() + kReportLimit;
       !parts_.events.all_carried() && Clock::now() < until && !parts_.stopping;) {
    std::this_thread::sleep_for(kLook);
  }
  std::this_thread::sleep_for(kOnTheWay);
  if (parts_.stopping) return {};
  attempt.process = identify_process(::getpid());
  if (Status saved = store_.save(attempt); !saved) return saved;
  if (Status watched = start_guardian(attempt); !watched) {
    attempt.process.reset();
    (void)store_.save(attempt);
    return watched;
  }
  log_event(LogLevel::info, "self_update.hands_over",
            {{"task", attempt.task_id}, {"program", program_}});
  restart_and_wait();
  return {};
}

void SelfUpdater::restart_and_wait() {
  parts_.restart();
  while (!parts_.stopping) std::this_thread::sleep_for(kLook);
}

Status SelfUpdater::confirm(const Attempt& attempt) {
  // The guardian ends us when the time is over; without it we give up ourselves.
  const auto until = Clock::now() + parts_.config.self_update_limit + kGuardianLate;
  while (!parts_.reached_server()) {
    if (parts_.stopping) return {};
    if (Clock::now() > until) return unconfirmed("the new agent has not reached its server");
    std::this_thread::sleep_for(kLook);
  }
  if (Status removed = store_.remove(); !removed) return removed;
  log_event(LogLevel::info, "self_update.confirmed", {{"task", attempt.task_id}});
  return {};
}

Status SelfUpdater::return_to_old() {
  const Result<std::optional<Attempt>> attempt = store_.load();
  if (!attempt || !attempt->has_value()) return {};
  // Only the new program is on trial as this process: the old one takes that back when it stays.
  const bool new_one_runs = (*attempt)->is_this_process();
  if (Status removed = store_.remove(); !removed) return removed;
  if (new_one_runs) restart_and_wait();
  return {};
}

void SelfUpdater::forget() {
  if (Status removed = store_.remove(); !removed) {
    log_event(LogLevel::error, "self_update.record_stays", {{"detail", removed.error().text()}});
  }
}

}  // namespace rolesync::agent
