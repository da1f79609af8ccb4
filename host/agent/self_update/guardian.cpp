// SPDX-License-Identifier: Apache-2.0
#include "host/agent/self_update/guardian.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

#include "host/agent/log.hpp"
#include "host/agent/recovery.hpp"
#include "host/agent/self_update/attempt.hpp"
#include "host/agent/self_update/fall_back.hpp"
#include "host/process/replace.hpp"

namespace rolesync::agent {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kLook{200};
constexpr std::chrono::seconds kLockLimit{60};
// Longer than systemd waits (RestartSec) before it starts the service again.
constexpr std::chrono::seconds kSupervisorLimit{30};

// The agent's own log, when that is a file or a pipe; a socket cannot be opened again.
void take_over_output(pid_t agent) {
  const std::string theirs = "/proc/" + std::to_string(agent) + "/fd/2";
  UniqueFd log(::open(theirs.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY));
  if (!log) log.reset(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  const UniqueFd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ::dup2(nothing.get(), 0);
  ::dup2(log.get(), 1);
  ::dup2(log.get(), 2);
}

bool has_ended(int process, std::chrono::milliseconds limit) {
  pollfd ended{process, POLLIN, 0};
  return ::poll(&ended, 1, static_cast<int>(limit.count())) > 0;
}

bool is_pending(const AttemptStore& store, const Attempt& attempt) {
  const Result<std::optional<Attempt>> now = store.load();
  return !now || (now->has_value() && (*now)->task_id == attempt.task_id);
}

// Why the new agent is not confirmed; nothing when it is.
std::optional<std::string> watch(const AttemptStore& store, const Attempt& attempt, int process,
                                 std::chrono::seconds limit) {
  const auto until = Clock::now() + limit;
  while (!has_ended(process, kLook)) {
    if (!is_pending(store, attempt)) return std::nullopt;
    if (Clock::now() < until) continue;
    ::syscall(SYS_pidfd_send_signal, process, SIGKILL, nullptr, 0);
    has_ended(process, std::chrono::minutes(1));
    return "the new agent had not reached its server after " + std::to_string(limit.count()) + " s";
  }
  return "the new agent ended before it had reached its server";
}

Result<UniqueFd> wait_for_lock(const AgentConfig& config, std::chrono::seconds limit) {
  const auto until = Clock::now() + limit;
  for (;;) {
    Result<UniqueFd> lock = lock_state(config);
    if (lock || Clock::now() > until) return lock;
    std::this_thread::sleep_for(kLook);
  }
}

bool somebody_starts(const AgentConfig& config) {
  for (const auto until = Clock::now() + kSupervisorLimit; Clock::now() < until;) {
    if (lock_holder(config)) return true;
    std::this_thread::sleep_for(kLook);
  }
  return false;
}

int put_back(const AgentConfig& config, const AttemptStore& store, const Attempt& attempt,
             const std::string& cause) {
  {
    const Result<UniqueFd> lock = wait_for_lock(config, kLockLimit);
    if (!lock) return 1;  // an agent runs, and has undone it at its start
    if (is_pending(store, attempt)) (void)fall_back(config, attempt, cause);  // logged
  }
  if (attempt.supervised && somebody_starts(config)) return 0;
  const Error failed = replace_program(attempt.program, attempt.arguments);
  log_event(LogLevel::error, "self_update.not_started", {{"detail", failed.text()}});
  return 1;
}

}  // namespace

int guard(const AgentConfig& config) {
  const AttemptStore store(config);
  const Result<std::optional<Attempt>> loaded = store.load();
  if (!loaded || !loaded->has_value() || !(*loaded)->process) return 1;
  const Attempt& attempt = **loaded;
  const pid_t agent = attempt.process->pid;
  const Result<UniqueFd> begun = go_on_detached();
  if (!begun) return 1;
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, agent, 0)));
  // Asked after it was opened: the descriptor is of this process and no later one of its number.
  if (!process || !running_since(*attempt.process)) return 1;
  take_over_output(agent);
  if (::write(begun->get(), "!", 1) != 1) return 1;
  log_event(LogLevel::info, "self_update.watched", {{"task", attempt.task_id}});
  const std::optional<std::string> cause =
      watch(store, attempt, process.get(), config.self_update_limit);
  return cause ? put_back(config, store, attempt, *cause) : 0;
}

}  // namespace rolesync::agent
