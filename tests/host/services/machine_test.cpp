// SPDX-License-Identifier: Apache-2.0
// The figures of a heartbeat against what the kernel and other programs say.
#include "host/services/machine.hpp"

#include <gtest/gtest.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>

namespace rolesync {
namespace {

std::string output_of(const char* command) {
  std::string text;
  std::FILE* pipe = ::popen(command, "r");
  if (!pipe) return text;
  std::array<char, 4096> buffer;
  while (std::fgets(buffer.data(), buffer.size(), pipe)) text += buffer.data();
  ::pclose(pipe);
  return text;
}

std::map<std::string, double> meminfo() {
  std::map<std::string, double> values;
  std::ifstream in("/proc/meminfo");
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string name;
    double kilobytes = 0;
    fields >> name >> kilobytes;
    values[name.substr(0, name.find(':'))] = kilobytes;
  }
  return values;
}

// Jiffies of /proc/stat's first line: busy and all.
std::pair<double, double> cpu_times() {
  std::ifstream in("/proc/stat");
  std::string name;
  std::array<double, 8> field{};
  in >> name;
  double all = 0;
  for (double& each : field) {
    in >> each;
    all += each;
  }
  return {all - field[3] - field[4], all};
}

TEST(Machine, MemoryIsWhatNewProgramsCannotGet) {
  Machine machine;
  const auto before = meminfo();
  const double said = machine.figures("/tmp").memory_percent;
  const auto after = meminfo();
  const auto percent = [](std::map<std::string, double> values) {
    return 100 * (1 - values["MemAvailable"] / values["MemTotal"]);
  };
  // Others use memory meanwhile: between both readings, give or take.
  EXPECT_GE(said, std::min(percent(before), percent(after)) - 3);
  EXPECT_LE(said, std::max(percent(before), percent(after)) + 3);
}

TEST(Machine, DiskIsWhatDfSays) {
  Machine machine;
  int df = -1;
  std::istringstream(output_of("df --output=pcent /tmp | tail -1")) >> df;
  ASSERT_GE(df, 0);
  const double said = machine.figures("/tmp").disk_percent;
  EXPECT_GE(said, df - 2.0);  // df rounds up
  EXPECT_LE(said, df + 1.0);
  EXPECT_EQ(machine.figures("/no/such/path").disk_percent, 0);
}

TEST(Machine, CpuIsTheShareOfBusyTimeSinceTheReadingBefore) {
  Machine machine;
  (void)machine.figures("/tmp");
  const auto [busy, all] = cpu_times();
  // Work until the counters have moved enough to compare.
  std::pair<double, double> now;
  volatile unsigned spin = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  do {
    for (int i = 0; i < 1'000'000; ++i) spin = spin + 1;
    now = cpu_times();
  } while (now.second - all < 100 && std::chrono::steady_clock::now() < end);
  const double said = machine.figures("/tmp").cpu_percent;
  EXPECT_NEAR(said, 100 * (now.first - busy) / (now.second - all), 10);
  EXPECT_GT(said, 0);
}

TEST(Machine, SaysWhatItIs) {
  utsname name{};
  ASSERT_EQ(::uname(&name), 0);
  const OsInfo info = os_info();
  EXPECT_EQ(info.system, name.sysname);
  EXPECT_EQ(info.release, name.release);
  EXPECT_EQ(info.architecture, name.machine);
  EXPECT_EQ(info.hostname, name.nodename);
  const std::string pretty = output_of(". /etc/os-release && printf %s \"$PRETTY_NAME\"");
  EXPECT_FALSE(pretty.empty());
  EXPECT_EQ(info.distribution, pretty);
}

}  // namespace
}  // namespace rolesync
