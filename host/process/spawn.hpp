// SPDX-License-Identifier: Apache-2.0
// The bottom of host/process: one posix_spawn with everything a child gets said explicitly. Only
// the files of this directory use it. Any thread.
#pragma once
#include <optional>
#include <string>

#include "host/process/child.hpp"
#include "host/process/unique_fd.hpp"

namespace rolesync::process {

// What the child finds at 0, 1, 2; -1 is /dev/null. At 3: spec.connection_fd. Nothing else.
struct ChildFds {
  int in = -1, out = -1, err = -1;
};

enum class Grouping { new_group, new_session };

struct Spawned {
  pid_t pid = -1;
  UniqueFd exit_fd;  // pidfd, readable once the child has ended
};

Result<Spawned> spawn(const ChildSpec& spec, const ChildFds& fds, Grouping grouping);

// A close-on-exec pipe whose ends are above 2; our end does not block.
struct Pipe {
  UniqueFd read_end, write_end;
};
enum class OurEnd { read, write };
Result<Pipe> make_pipe(OurEnd ours);

// Signals the child's whole process group. The child must not have been reaped yet: until then its
// group id cannot be given to anybody else.
void signal_group(pid_t leader, int signal);

// Ends what is left of the group of an ended child and reaps it. Nothing while it still runs.
struct ExitStatus {
  int exit_code = -1;
  int signal = 0;
};
std::optional<ExitStatus> reap(pid_t pid);

// write() that answers EPIPE instead of raising SIGPIPE, whatever the process does with it.
ssize_t write_quietly(int fd, const char* bytes, std::size_t size);

}  // namespace rolesync::process
