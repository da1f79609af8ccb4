// SPDX-License-Identifier: Apache-2.0
// How busy this machine is, and what it is. One thread.
#pragma once
#include <cstdint>
#include <string>

namespace rolesync {

struct MachineFigures {
  double cpu_percent = 0;     // of all cores, since the previous reading
  double memory_percent = 0;  // not available for new programs
  double disk_percent = 0;    // used, of the file system asked for
};

struct OsInfo {
  std::string system, release, architecture, hostname;
  std::string distribution;  // "Debian GNU/Linux 12 (bookworm)"
};

class Machine {
 public:
  MachineFigures figures(const std::string& path_on_disk);

 private:
  std::uint64_t busy_ = 0, total_ = 0;
};

OsInfo os_info();

}  // namespace rolesync
