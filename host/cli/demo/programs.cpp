// SPDX-License-Identifier: Apache-2.0
#include "host/cli/demo/programs.hpp"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

#include "host/process/child.hpp"

namespace rolesync::cli {
namespace {

constexpr std::chrono::milliseconds kGrace{5'000};

// 0 when the process is gone already.
pid_t parent_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(')');  // the name may hold anything
  char state = 0;
  int parent = 0;
  if (name_end == std::string::npos ||
      std::sscanf(line.c_str() + name_end + 1, " %c %d", &state, &parent) != 2)
    return 0;
  return parent;
}

std::vector<pid_t> children() {
  std::vector<pid_t> found;
  DIR* proc = ::opendir("/proc");
  while (const dirent* entry = proc ? ::readdir(proc) : nullptr) {
    const pid_t pid = std::atoi(entry->d_name);
    if (pid > 0 && parent_of(pid) == ::getpid()) found.push_back(pid);
  }
  if (proc) ::closedir(proc);
  return found;
}

// Everything we are the parent of now was started below us: nobody else can be our child.
void end_orphans() {
  const auto give_up = std::chrono::steady_clock::now() + 2 * kGrace;
  const auto kill_from = std::chrono::steady_clock::now() + kGrace;
  while (std::chrono::steady_clock::now() < give_up) {
    const std::vector<pid_t> left = children();
    if (left.empty()) return;
    const bool hard = std::chrono::steady_clock::now() > kill_from;
    for (const pid_t pid : left) {
      if (::waitpid(pid, nullptr, WNOHANG) != 0) continue;  // a zombie, reaped now
      ::kill(pid, hard ? SIGKILL : SIGTERM);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

bool ended(int pidfd, std::chrono::milliseconds wait) {
  pollfd watched{pidfd, POLLIN, 0};
  return ::poll(&watched, 1, static_cast<int>(wait.count())) == 1;
}

void send_signal(int pidfd, int signal) {
  ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0);
}

}  // namespace

DemoPrograms::DemoPrograms() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

DemoPrograms::~DemoPrograms() {
  stop_all();
}

Status DemoPrograms::start(const std::string& name, const std::vector<std::string>& argv,
                           const std::map<std::string, std::string>& environment,
                           const std::string& log_path) {
  ChildSpec spec;
  spec.argv = argv;
  spec.environment = environment;
  auto pid = start_detached(spec, log_path);
  if (!pid) return pid.error();
  Program program{name, *pid, static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0))};
  // Without a pidfd it has ended (and was reaped) already.
  if (program.pidfd < 0)
    return Error{ErrorKind::failed, "program_ended", name + " ended at once", "see " + log_path};
  programs_.push_back(program);
  return {};
}

bool DemoPrograms::running(const std::string& name) const {
  return std::any_of(programs_.begin(), programs_.end(), [&](const Program& program) {
    return program.name == name && !ended(program.pidfd, std::chrono::milliseconds(0));
  });
}

void DemoPrograms::end(Program& program) {
  send_signal(program.pidfd, SIGTERM);
  if (!ended(program.pidfd, kGrace)) {
    send_signal(program.pidfd, SIGKILL);
    ended(program.pidfd, kGrace);
  }
  ::close(program.pidfd);
}

void DemoPrograms::stop(const std::string& name) {
  for (auto it = programs_.begin(); it != programs_.end();) {
    if (it->name == name) {
      end(*it);
      it = programs_.erase(it);
    } else {
      ++it;
    }
  }
}

void DemoPrograms::stop_all() {
  // All at once first, so that the whole takes as long as the slowest.
  for (const Program& program : programs_) send_signal(program.pidfd, SIGTERM);
  for (Program& program : programs_) end(program);
  programs_.clear();
  end_orphans();
}

}  // namespace rolesync::cli
