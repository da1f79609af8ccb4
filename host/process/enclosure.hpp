// SPDX-License-Identifier: Apache-2.0
// All that one command starts, also what leaves its process group and session. It is found by a
// name alone, so also by the process that comes after us when we are killed: in a cgroup of that
// name below our own, where the system lets us make one (version 2, as with systemd's Delegate=),
// and by a mark in the environment. Without a cgroup, a process that leaves the group and clears
// its environment is not found. Any thread; one owner per name.
#pragma once
#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "host/process/child.hpp"

namespace rolesync {

class Enclosure {
 public:
  // `name`: letters, digits, '-' and '_'.
  explicit Enclosure(const std::string& name);
  // Below another cgroup than our own; "" for none.
  Enclosure(const std::string& name, const std::string& parent_cgroup);

  // Makes the cgroup if it can. From then on the program of `spec` begins inside.
  void put_in(ChildSpec& spec);
  bool has_cgroup() const { return !cgroup_.empty(); }

  // Kills all that is inside and waits until it has ended. How many processes there were; what the
  // kernel does not end within `limit` stays.
  std::size_t end(std::chrono::milliseconds limit = std::chrono::seconds(5));

  // Our own cgroup of version 2, as a directory; empty when there is none.
  static std::string own_cgroup();
  // That of another process; empty when it is gone, or its cgroup is out of our sight.
  static std::string cgroup_of(pid_t pid);
  static constexpr const char* variable = "ROLESYNC_ENCLOSURE";

 private:
  std::vector<pid_t> in_cgroup() const;
  std::size_t kill_round();

  const std::string mark_;
  const std::string path_;  // where its cgroup is, or would be
  std::string cgroup_;      // the same, once it is there
  // All was put into the cgroup by this object: nobody needs to be looked for by the mark.
  bool all_in_cgroup_ = false;
};

}  // namespace rolesync
