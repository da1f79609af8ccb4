// SPDX-License-Identifier: Apache-2.0
#include "server/api/process_metrics.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace rolesync::api {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double all = 0, resident = 0;
  file >> all >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

void write_process(MetricFamilies& out) {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  out.counter("process_cpu_seconds_total", "Time on the processor, of user and system.");
  out.value(seconds(used.ru_utime) + seconds(used.ru_stime));
  out.gauge("process_resident_memory_bytes", "Memory in use.");
  out.value(resident_bytes());
  std::error_code problem;
  const std::filesystem::directory_iterator files("/proc/self/fd", problem);
  out.gauge("process_open_fds", "Open descriptors.");
  out.value(static_cast<double>(std::distance(begin(files), end(files))));
  rlimit most{};
  ::getrlimit(RLIMIT_NOFILE, &most);
  out.gauge("process_max_fds", "Descriptors that may be open.");
  out.value(static_cast<double>(most.rlim_cur));
}

}  // namespace rolesync::api
