// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/child_usage.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "host/process/unique_fd.hpp"

namespace rolesync::plugin {
namespace {

std::string mebibytes(std::uint64_t bytes) {
  return std::to_string(bytes >> 20) + " MiB";
}

}  // namespace

std::uint64_t resident_bytes(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/statm";
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char text[128] = {};
  if (!file || ::read(file.get(), text, sizeof text - 1) <= 0) return 0;
  unsigned long long size = 0, resident = 0;
  if (std::sscanf(text, "%llu %llu", &size, &resident) != 2) return 0;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

void ChildUsage::begin_child(pid_t pid) {
  pid_ = pid;
  looked_ = Clock::now();
  output_ = 0;
}

std::optional<Error> ChildUsage::excess(bool look_now) {
  if (output_ > limits_.output_bytes) {
    return Error{ErrorKind::failed, "plugin_flood",
                 "wrote more than " + mebibytes(limits_.output_bytes) + " of output in one call",
                 "let it log less"};
  }
  const auto now = Clock::now();
  if (!look_now && now - looked_ < look_every) return std::nullopt;
  looked_ = now;
  const std::uint64_t used = resident_bytes(pid_);
  if (used <= limits_.memory_bytes) return std::nullopt;
  return Error{
      ErrorKind::failed, "plugin_memory",
      "uses " + mebibytes(used) + " of memory; " + mebibytes(limits_.memory_bytes) + " are allowed",
      "repair its leak, or raise plugins.child_memory_mb"};
}

}  // namespace rolesync::plugin
