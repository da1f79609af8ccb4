// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>
#include <sys/timex.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "host/agent/doctor/checks.hpp"
#include "host/services/machine.hpp"
#include "host/services/ports.hpp"

namespace rolesync::agent::doctor {

// pidfd_open is the newest call without a second way.
Finding judge_kernel(const std::string& release) {
  int major = 0, minor = 0;
  if (std::sscanf(release.c_str(), "%d.%d", &major, &minor) == 2 &&
      (major > 5 || (major == 5 && minor >= 4))) {
    return fine("system.kernel", "Linux " + release);
  }
  return failure("system.kernel", "kernel_old",
                 "Linux " + release + " is older than 5.4, which programs are started with",
                 "use a newer kernel");
}

Finding check_kernel() {
  return judge_kernel(os_info().release);
}

Finding judge_open_files(std::uint64_t limit) {
  const std::string seen = std::to_string(limit) + " open files are allowed";
  if (limit >= 512) return fine("system.open_files", seen);
  return warning("system.open_files", "open_files_few", seen, "raise LimitNOFILE= or ulimit -n");
}

Finding check_open_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return judge_open_files(limit.rlim_cur);
}

Finding check_ports() {
  const auto scanned = kernel_ports()->scan();
  if (!scanned) {
    return failure(
        "system.ports", "ports_unreadable",
        "the kernel does not tell which ports are listened on: " + scanned.error().message,
        "allow AF_NETLINK in RestrictAddressFamilies= of the agent's unit");
  }
  return fine("system.ports", std::to_string(scanned->size()) + " listening ports are seen");
}

// Of a process that is not ours: the first one, which always listens to something or other.
Finding check_port_owners() {
  std::error_code refused;
  std::filesystem::directory_iterator descriptors("/proc/1/fd", refused);
  if (!refused) return fine("system.port_owners", "owners of ports are seen");
  return warning(
      "system.port_owners", "port_owners_hidden",
      "descriptors of other users' processes cannot be read, so their ports have no owner",
      "run the agent as root, or give it CAP_SYS_PTRACE");
}

Finding check_time() {
  timex state{};
  const int said = ::adjtimex(&state);
  if (said >= 0 && said != TIME_ERROR && (state.status & STA_UNSYNC) == 0) {
    return fine("system.time", "the clock is kept in step");
  }
  return warning("system.time", "clock_unsynchronised", "nothing keeps this clock in step",
                 "enable systemd-timesyncd or chrony");
}

}  // namespace rolesync::agent::doctor
