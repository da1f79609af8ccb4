// SPDX-License-Identifier: Apache-2.0
// The one place that starts programs. posix_spawn + pidfd: no inherited descriptors, no zombie,
// no orphan; ending a child means its whole process group, TERM then KILL. Any thread.
#pragma once
#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/values/result.hpp"

namespace rolesync {

// Set by the owner to end everything that watches it; polled at least every 100 ms.
using CancelFlag = std::atomic<bool>;

struct ChildSpec {
  std::vector<std::string>
      argv;               // argv[0] is looked up in PATH of `environment` when it has no '/'
  std::string directory;  // empty: the caller's
  std::map<std::string, std::string> environment;  // complete: nothing is inherited
  std::optional<uid_t> uid;                        // with the user's groups; needs root
  std::optional<gid_t> gid;

  std::string input;  // written to stdin, then end of file
  // Instead of `input` and captured output: this descriptor (above 2) as the child's fd 0 and 1.
  int stdio_fd = -1;
  // Passed to the child as fd 3, for a connect program (rsync -e).
  int connection_fd = -1;

  std::string
      cgroup;  // directory of the cgroup that the child enters before it begins; see Enclosure

  std::size_t output_cap = 64 << 10;  // per stream; of more, the head and the tail are kept
  std::chrono::milliseconds time_limit{60'000};
  std::chrono::milliseconds term_grace{2'000};  // between TERM and KILL
  const CancelFlag* cancelled = nullptr;
  std::function<void(pid_t)> started;  // called once it runs, by the thread that waits
  // Called with what was read from either stream, and with nothing when nothing came for a while;
  // at least ten times a second when `cancelled` is given. By the thread that waits.
  std::function<void(std::string_view)> on_output;
};

struct ChildResult {
  int exit_code = -1;  // -1 when a signal ended it
  int signal = 0;
  bool timed_out = false;
  bool was_cancelled = false;
  std::string output;  // stdout
  std::string errors;  // stderr
  bool succeeded() const { return exit_code == 0 && !timed_out && !was_cancelled; }
  // "exit 3", "killed by signal 9", "timed out after 60 s", with the last line of stderr.
  std::string explain() const;
};

// Runs to the end. An Error only when the program could not be started (spawn_failed,
// program_missing, program_not_executable).
Result<ChildResult> run_child(const ChildSpec& spec);

// A child that goes on running: two-way pipes, ended by the destructor.
class Child {
 public:
  // stdin and stdout are pipes to the caller; stderr too, so that it can be logged.
  static Result<Child> start(const ChildSpec& spec);
  Child(Child&&) noexcept;
  Child& operator=(Child&&) noexcept;
  ~Child();  // TERM to the group, KILL after the grace, reaped

  pid_t pid() const { return pid_; }
  int input_fd() const { return input_; }    // we write
  int output_fd() const { return output_; }  // we read, non-blocking
  int errors_fd() const { return errors_; }  // we read, non-blocking
  int exit_fd() const { return pidfd_; }     // readable once it has ended
  void close_input();
  std::optional<ChildResult> poll_exit();  // without output; reaps

 private:
  Child() = default;
  pid_t pid_ = -1;
  int input_ = -1, output_ = -1, errors_ = -1, pidfd_ = -1;
  std::chrono::milliseconds term_grace_{2'000};
};

// Starts a program in its own session that outlives us (role processes of the `process` strategy).
// Output is appended to `log_path`. Returns its pid; identify it later by pid and start time.
Result<pid_t> start_detached(const ChildSpec& spec, const std::string& log_path);

}  // namespace rolesync
