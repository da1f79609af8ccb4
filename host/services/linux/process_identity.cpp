// SPDX-License-Identifier: Apache-2.0
#include "host/services/process_identity.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "host/process/unique_fd.hpp"
#include "host/services/clock.hpp"
#include "host/values/file_text.hpp"

namespace rolesync {
namespace {

struct Stat {
  char state = 0;
  pid_t group = 0;
  std::uint64_t start_time = 0;
};

std::optional<Stat> read_stat(pid_t pid) {
  const std::string text = file_text("/proc/" + std::to_string(pid) + "/stat").value_or("");
  const std::size_t end = text.rfind(')');  // the name may hold anything, ')' too
  if (end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(end + 1));
  Stat stat;
  pid_t parent = 0;
  std::string skipped;
  fields >> stat.state >> parent >> stat.group;
  for (int field = 6; field < 22; ++field) fields >> skipped;
  if (!(fields >> stat.start_time)) return std::nullopt;
  return stat;
}

std::optional<Stat> stat_of(const ProcessIdentity& process) {
  if (process.pid <= 1 || process.boot_id != real_clock().boot_id()) return std::nullopt;
  std::optional<Stat> stat = read_stat(process.pid);
  if (!stat || stat->start_time != process.start_time) return std::nullopt;
  return stat;
}

Millis read_clock(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

// When the machine was booted, on the wall clock. Read once, so that a start time stays the same
// text in every report.
Millis booted_at() {
  static const Millis at = real_clock().now() - read_clock(CLOCK_BOOTTIME);
  return at;
}

// Start times of processes count the time that the machine slept, Clock::monotonic() does not.
Millis slept() {
  return read_clock(CLOCK_BOOTTIME) - read_clock(CLOCK_MONOTONIC);
}

// On the kernel's clock of processes, while it runs.
std::optional<Millis> start_of(const ProcessIdentity& process) {
  std::optional<Stat> stat = stat_of(process);
  if (!stat || stat->state == 'Z' || stat->state == 'X') return std::nullopt;
  static const auto ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  // The end of its tick: a process started just after something must not seem older than that.
  return static_cast<Millis>((process.start_time + 1) * 1000 / ticks);
}

bool carries(pid_t pid, const std::string& variable) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/environ", std::ios::binary);
  for (std::string each; std::getline(in, each, '\0');) {
    if (each == variable) return true;
  }
  return false;
}

std::string variable_of(const std::string& mark) {
  return std::string(kProcessMark) + "=" + mark;
}

}  // namespace

std::vector<pid_t> processes_marked(const std::string& mark) {
  std::vector<pid_t> marked;
  if (mark.empty()) return marked;
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", failure)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const pid_t pid = std::stoi(name);
    if (!carries(pid, variable_of(mark))) continue;
    const std::optional<Stat> stat = read_stat(pid);
    if (stat && stat->state != 'Z' && stat->state != 'X') marked.push_back(pid);
  }
  return marked;
}

void signal_marked(const std::string& mark, int signal) {
  for (const pid_t pid : processes_marked(mark)) {
    // The mark is looked at again behind the pidfd: the pid may be another's by now.
    UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!handle || !carries(pid, variable_of(mark))) continue;
    ::syscall(SYS_pidfd_send_signal, handle.get(), signal, nullptr, 0);
  }
}

std::optional<ProcessIdentity> identify_process(pid_t pid) {
  std::optional<Stat> stat = read_stat(pid);
  if (!stat) return std::nullopt;
  return ProcessIdentity{pid, stat->start_time, real_clock().boot_id()};
}

std::optional<Millis> running_since(const ProcessIdentity& process) {
  const std::optional<Millis> start = start_of(process);
  return start ? std::optional<Millis>(booted_at() + *start) : std::nullopt;
}

std::optional<Millis> running_since_boot(const ProcessIdentity& process) {
  const std::optional<Millis> start = start_of(process);
  return start ? std::optional<Millis>(*start - slept()) : std::nullopt;
}

Status signal_process(const ProcessIdentity& process, int signal) {
  // The pidfd is opened before the identity is checked: afterwards the pid cannot be reused
  // unnoticed, and while its leader is unreaped a group id cannot be reused at all.
  UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  std::optional<Stat> stat = stat_of(process);
  if (!handle || !stat || stat->state == 'Z') return {};
  const bool leads_group = stat->group == process.pid;
  const long code = leads_group
                        ? ::kill(-process.pid, signal)
                        : ::syscall(SYS_pidfd_send_signal, handle.get(), signal, nullptr, 0);
  if (code == 0 || errno == ESRCH) return {};
  return Error{
      errno == EPERM ? ErrorKind::denied : ErrorKind::failed, "signal_failed",
      "cannot signal process " + std::to_string(process.pid) + ": " + std::strerror(errno)};
}

}  // namespace rolesync
