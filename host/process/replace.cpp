// SPDX-License-Identifier: Apache-2.0
#include "host/process/replace.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>

namespace rolesync {

Error replace_program(const std::string& path, const std::vector<std::string>& arguments) {
  std::vector<char*> raw;
  raw.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) raw.push_back(const_cast<char*>(argument.c_str()));
  raw.push_back(nullptr);
  sigset_t none, before;
  sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, &before);
  ::execv(path.c_str(), raw.data());
  const int reason = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return {ErrorKind::failed, "exec_failed", "cannot start " + path + ": " + std::strerror(reason),
          "check that the file is a program for this machine"};
}

void take_over_children() {
  std::ifstream in("/proc/self/task/" + std::to_string(::getpid()) + "/children");
  for (pid_t child = 0; in >> child;) {
    std::thread([child] {
      while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
      }
    }).detach();
  }
}

Result<UniqueFd> go_on_detached() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return Error{ErrorKind::failed, "spawn_failed", std::string("pipe: ") + std::strerror(errno)};
  }
  UniqueFd read_end(ends[0]), write_end(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) {
    return Error{ErrorKind::failed, "spawn_failed", std::string("fork: ") + std::strerror(errno)};
  }
  if (child == 0) {
    ::setsid();
    return write_end;
  }
  write_end.reset();
  char said = 0;
  ssize_t count = 0;
  while ((count = ::read(read_end.get(), &said, 1)) < 0 && errno == EINTR) {
  }
  ::_exit(count == 1 ? 0 : 1);
}

}  // namespace rolesync
