// SPDX-License-Identifier: Apache-2.0
// Role processes of the `process` strategy: a session of their own that goes on when we end. While
// we live we are their parent, so a thread per process waits to reap it (there are a handful).
#include <fcntl.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "host/process/spawn.hpp"

namespace rolesync {

Result<pid_t> start_detached(const ChildSpec& spec, const std::string& log_path) {
  const std::string path = log_path.empty() ? "/dev/null" : log_path;
  UniqueFd log(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640));
  if (!log) {
    return Error{ErrorKind::failed, "spawn_failed",
                 "cannot open the log " + path + ": " + std::strerror(errno),
                 "make its directory, and let the agent's user write there"};
  }
  if (spec.uid && ::geteuid() == 0 && !log_path.empty()) {
    (void)::fchown(log.get(), *spec.uid, spec.gid.value_or(static_cast<gid_t>(-1)));
  }
  const process::ChildFds fds{-1, log.get(), log.get()};
  Result<process::Spawned> child = process::spawn(spec, fds, process::Grouping::new_session);
  if (!child) return child.error();
  const pid_t pid = child->pid;
  std::thread([pid] {
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  }).detach();
  return pid;
}

}  // namespace rolesync
