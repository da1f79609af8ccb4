// SPDX-License-Identifier: Apache-2.0
#include "host/process/spawn.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>

namespace rolesync::process {
namespace {

constexpr const char* kDefaultPath = "/usr/local/bin:/usr/bin:/bin";
constexpr const char* kSetpriv = "/usr/bin/setpriv";
// Moves itself into the cgroup whose list of processes is $0, then becomes the program. That comes
// before anything can be forked, which moving the child from outside would not. A cgroup that does
// not let it in is no reason not to run.
constexpr const char* kEnterCgroup = "echo 0 2>/dev/null >\"$0\"; exec \"$@\"";

Error spawn_failed(const std::string& program, const std::string& why, std::string hint = {}) {
  return {ErrorKind::failed, "spawn_failed", "cannot start '" + program + "': " + why,
          std::move(hint)};
}

bool is_program(const std::string& path) {
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 && S_ISREG(st.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

// The path exec gets. A name without '/' is looked up in the child's own PATH, not in ours.
Result<std::string> find_program(const ChildSpec& spec) {
  const std::string& name = spec.argv[0];
  if (name.find('/') != std::string::npos) {
    // As exec would see it: a relative one is found from the child's directory.
    const std::string seen =
        name[0] == '/' || spec.directory.empty() ? name : spec.directory + "/" + name;
    if (is_program(seen)) return name;
    const bool there = ::access(seen.c_str(), F_OK) == 0;
    Error error =
        spawn_failed(name, there ? seen + " is not an executable file" : "there is no " + seen,
                     there ? "chmod +x it, if it is a program" : "install it");
    error.reason = there ? "program_not_executable" : "program_missing";
    return error;
  }
  auto it = spec.environment.find("PATH");
  const std::string path = it == spec.environment.end() ? kDefaultPath : it->second;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find(':', begin), path.size());
    if (end > begin && path[begin] == '/') {
      std::string candidate = path.substr(begin, end - begin) + "/" + name;
      if (is_program(candidate)) return candidate;
    }
    begin = end + 1;
  }
  Error error =
      spawn_failed(name, "not found in PATH=" + path, "install it, or give its full path");
  error.reason = "program_missing";
  return error;
}

// posix_spawn cannot change the user. setpriv (util-linux) does exactly that and then execs in
// place, so pid, start time and descriptors stay those of the program.
Result<std::vector<std::string>> user_prefix(const ChildSpec& spec) {
  if (!spec.uid && !spec.gid) return std::vector<std::string>{};
  const uid_t uid = spec.uid.value_or(::geteuid());
  std::optional<gid_t> gid = spec.gid;
  std::string buffer(16384, '\0');
  passwd entry{}, *found = nullptr;
  ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
  if (!gid) gid = found ? found->pw_gid : static_cast<gid_t>(uid);
  if (uid == ::geteuid() && *gid == ::getegid()) return std::vector<std::string>{};
  if (::geteuid() != 0) {
    return spawn_failed(spec.argv[0], "running it as user " + std::to_string(uid) + " needs root",
                        "run as root, or as that user");
  }
  return std::vector<std::string>{kSetpriv, "--reuid=" + std::to_string(uid),
                                  "--regid=" + std::to_string(*gid),
                                  found ? "--init-groups" : "--clear-groups", "--"};
}

// What exec gets.
struct CommandLine {
  std::string path;
  std::vector<std::string> arguments;
};

// The program, behind those that prepare its process and then become it.
Result<CommandLine> command_line(const ChildSpec& spec) {
  Result<std::string> program = find_program(spec);
  if (!program) return program.error();
  Result<std::vector<std::string>> prefix = user_prefix(spec);
  if (!prefix) return prefix.error();
  if (!spec.cgroup.empty()) {
    prefix->insert(prefix->begin(), {"/bin/sh", "-c", kEnterCgroup, spec.cgroup + "/cgroup.procs"});
  }
  if (prefix->empty()) return CommandLine{*program, spec.argv};
  if (program->front() == '/' && !is_program(*program)) {
    return spawn_failed(*program, "there is no such program");  // it would fail in our child only
  }
  CommandLine line{prefix->front(), *prefix};
  line.arguments.push_back(*program);
  line.arguments.insert(line.arguments.end(), spec.argv.begin() + 1, spec.argv.end());
  return line;
}

class FileActions {
 public:
  FileActions() { posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  void place(int from, int to) {
    if (from >= 0) {
      posix_spawn_file_actions_adddup2(&actions_, from, to);
    } else {
      posix_spawn_file_actions_addopen(&actions_, to, "/dev/null", to == 0 ? O_RDONLY : O_WRONLY,
                                       0);
    }
  }
  void close_from(int first) { posix_spawn_file_actions_addclosefrom_np(&actions_, first); }
  void enter(const std::string& directory) {
    posix_spawn_file_actions_addchdir_np(&actions_, directory.c_str());
  }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

// Own group or session, no blocked signal, every signal at its default.
class Attributes {
 public:
  explicit Attributes(Grouping grouping) {
    posix_spawnattr_init(&attributes_);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    const int group =
        grouping == Grouping::new_session ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP;
    posix_spawnattr_setflags(
        &attributes_, static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | group));
  }
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  list.reserve(texts.size() + 1);
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

// An argument with a NUL would silently be cut there.
bool has_nul(const ChildSpec& spec) {
  for (const std::string& argument : spec.argv) {
    if (argument.find('\0') != std::string::npos) return true;
  }
  for (const auto& [name, value] : spec.environment) {
    if ((name + value).find('\0') != std::string::npos || name.empty() ||
        name.find('=') != std::string::npos) {
      return true;
    }
  }
  return spec.directory.find('\0') != std::string::npos;
}

bool is_directory(const std::string& path) {
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
}

}  // namespace

Result<Spawned> spawn(const ChildSpec& spec, const ChildFds& fds, Grouping grouping) {
  if (spec.argv.empty() || spec.argv[0].empty()) return spawn_failed("", "the command is empty");
  if (has_nul(spec)) return spawn_failed(spec.argv[0], "an argument or variable is malformed");
  if (!spec.directory.empty() && !is_directory(spec.directory)) {
    return spawn_failed(spec.argv[0], "its directory " + spec.directory + " does not exist");
  }
  Result<CommandLine> line = command_line(spec);
  if (!line) return line.error();
  std::vector<std::string> variables;
  for (const auto& [name, value] : spec.environment) {
    variables.push_back(name);
    variables.back().append("=").append(value);
  }

  FileActions actions;
  actions.place(fds.in, 0);
  actions.place(fds.out, 1);
  actions.place(fds.err, 2);
  if (spec.connection_fd >= 0) actions.place(spec.connection_fd, 3);
  actions.close_from(spec.connection_fd >= 0 ? 4 : 3);
  if (!spec.directory.empty()) actions.enter(spec.directory);
  Attributes attributes(grouping);

  Spawned child;
  const int failure = ::posix_spawn(&child.pid, line->path.c_str(), actions.get(), attributes.get(),
                                    pointers(line->arguments).data(), pointers(variables).data());
  if (failure != 0) return spawn_failed(spec.argv[0], std::strerror(failure));
  child.exit_fd.reset(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)));
  if (!child.exit_fd) {
    const int reason = errno;
    signal_group(child.pid, SIGKILL);
    ::waitpid(child.pid, nullptr, 0);
    return spawn_failed(spec.argv[0], std::string("pidfd_open: ") + std::strerror(reason));
  }
  return child;
}

Result<Pipe> make_pipe(OurEnd ours) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return Error{ErrorKind::unavailable, "spawn_failed",
                 std::string("cannot make a pipe: ") + std::strerror(errno),
                 "raise the limit of open files"};
  }
  // Ends at 0..2 would be overwritten while the child's own 0..2 are put in place.
  for (int& end : ends) {
    if (end > 2) continue;
    const int higher = ::fcntl(end, F_DUPFD_CLOEXEC, 3);
    ::close(end);
    end = higher;
  }
  Pipe pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
  ::fcntl(ours == OurEnd::read ? ends[0] : ends[1], F_SETFL, O_NONBLOCK);
  return pipe;
}

void signal_group(pid_t leader, int signal) {
  if (leader > 1) ::kill(-leader, signal);
}

std::optional<ExitStatus> reap(pid_t pid) {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT | WNOHANG) == 0) {
    if (info.si_pid == 0) return std::nullopt;
    // The leader is a zombie now, so the group id is still ours.
    signal_group(pid, SIGKILL);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status)) return ExitStatus{WEXITSTATUS(status), 0};
    return ExitStatus{-1, WTERMSIG(status)};
  }
  if (errno == EINTR) return std::nullopt;
  return ExitStatus{};  // ECHILD: SIGCHLD is ignored in this process, the status is lost
}

ssize_t write_quietly(int fd, const char* bytes, std::size_t size) {
  sigset_t pipe_signal, before;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  const ssize_t written = ::write(fd, bytes, size);
  const int reason = errno;
  if (written < 0 && reason == EPIPE) {
    const timespec now{};
    while (::sigtimedwait(&pipe_signal, nullptr, &now) < 0 && errno == EINTR) {
    }
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = reason;
  return written;
}

}  // namespace rolesync::process
