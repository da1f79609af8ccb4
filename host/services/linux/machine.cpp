// SPDX-License-Identifier: Apache-2.0
#include "host/services/machine.hpp"

#include <sys/statvfs.h>
#include <sys/utsname.h>

#include <cmath>
#include <fstream>
#include <sstream>

namespace rolesync {
namespace {

double percent(double part, double whole) {
  if (whole <= 0) return 0;
  return std::round(std::min(std::max(100.0 * part / whole, 0.0), 100.0) * 10) / 10;
}

double memory_percent() {
  std::ifstream in("/proc/meminfo");
  double total = 0, available = 0;
  for (std::string line; std::getline(in, line) && (total == 0 || available == 0);) {
    std::istringstream fields(line);
    std::string name;
    double kilobytes = 0;
    fields >> name >> kilobytes;
    if (name == "MemTotal:") total = kilobytes;
    if (name == "MemAvailable:") available = kilobytes;
  }
  return percent(total - available, total);
}

double disk_percent(const std::string& path) {
  struct statvfs disk {};
  if (::statvfs(path.c_str(), &disk) != 0) return 0;
  const double used = static_cast<double>(disk.f_blocks - disk.f_bfree);
  return percent(used, used + static_cast<double>(disk.f_bavail));
}

}  // namespace

MachineFigures Machine::figures(const std::string& path_on_disk) {
  std::ifstream in("/proc/stat");
  std::string cpu;
  std::uint64_t total = 0, idle = 0, value = 0;
  in >> cpu;
  // user nice system idle iowait irq softirq steal; guest time is part of user.
  for (int field = 0; field < 8 && in >> value; ++field) {
    total += value;
    if (field == 3 || field == 4) idle += value;
  }
  const std::uint64_t busy = total - idle;
  MachineFigures figures;
  figures.cpu_percent =
      percent(static_cast<double>(busy - busy_), static_cast<double>(total - total_));
  busy_ = busy;
  total_ = total;
  figures.memory_percent = memory_percent();
  figures.disk_percent = disk_percent(path_on_disk);
  return figures;
}

OsInfo os_info() {
  utsname name{};
  ::uname(&name);
  OsInfo info{name.sysname, name.release, name.machine, name.nodename, ""};
  std::ifstream in("/etc/os-release");
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("PRETTY_NAME=", 0) != 0) continue;
    info.distribution = line.substr(12);
    std::erase(info.distribution, '"');
  }
  return info;
}

}  // namespace rolesync
