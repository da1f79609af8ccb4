// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "host/agent/doctor/checks.hpp"
#include "host/agent/recovery.hpp"
#include "host/process/child.hpp"
#include "host/process/enclosure.hpp"

namespace rolesync::agent::doctor {
namespace {

constexpr const char* kWithout =
    "; a process that a role's command leaves behind is found by its environment alone, and one "
    "that clears it stays";
constexpr const char* kDelegate =
    "add Delegate=yes to the agent's unit, take ProtectControlGroups= out of it, and restart it";

Finding refused(const std::string& cgroup, const std::string& why) {
  return warning("system.cgroup", "cgroup_not_delegated",
                 "the agent may not make control groups below " + cgroup + ": " + why + kWithout,
                 kDelegate);
}

}  // namespace

Finding try_cgroup(const std::string& cgroup) {
  if (cgroup.empty()) {
    return warning("system.cgroup", "cgroup_absent",
                   std::string("there are no control groups of version 2 for the agent") + kWithout,
                   "boot with systemd.unified_cgroup_hierarchy=1, or mount cgroup2");
  }
  const std::string name = "doctor-" + std::to_string(::getpid());
  const std::string place = cgroup + "/rolesync-" + name;
  if (::mkdir(place.c_str(), 0755) != 0) return refused(cgroup, std::strerror(errno));
  Enclosure enclosure(name, cgroup);
  ChildSpec spec;
  spec.argv = {"/bin/cat", "/proc/self/cgroup"};
  spec.environment = {{"PATH", "/usr/bin:/bin"}};
  enclosure.put_in(spec);
  const bool can_enter = enclosure.has_cgroup();
  const Result<ChildResult> child = run_child(spec);
  enclosure.end();
  ::rmdir(place.c_str());
  if (!can_enter) return refused(cgroup, "no process may be put into them");
  // Only root may bring in a process from elsewhere; the agent's own children are there already.
  if (::geteuid() == 0 && (!child || child->output.find(name) == std::string::npos)) {
    return refused(cgroup, child ? "a program did not get in" : child.error().message);
  }
  return fine("system.cgroup", "commands get control groups of their own below " + cgroup);
}

// That of the running agent, when there is one: ours says nothing about what its unit allows.
Finding check_cgroup(const AgentConfig& config) {
  const auto pid = lock_holder(config);
  return try_cgroup(pid ? Enclosure::cgroup_of(std::atoi(pid->c_str())) : Enclosure::own_cgroup());
}

}  // namespace rolesync::agent::doctor
