// SPDX-License-Identifier: Apache-2.0
#include "host/services/log_file.hpp"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "host/process/unique_fd.hpp"

namespace rolesync {
namespace {

Error unwritable(const std::string& path) {
  return {ErrorKind::failed, "log_unwritable",
          "cannot shorten the log " + path + ": " + std::strerror(errno)};
}

bool copy_from(int from, off_t offset, int to, std::uint64_t bytes) {
  while (bytes > 0) {
    const auto some = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, 1 << 20));
    const ssize_t sent = ::sendfile(to, from, &offset, some);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return false;
    if (sent == 0) return true;
    bytes -= static_cast<std::uint64_t>(sent);
  }
  return true;
}

}  // namespace

Status bound_log(const std::string& path, std::uint64_t limit) {
  UniqueFd log(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat st {};
  if (!log || ::fstat(log.get(), &st) != 0 || !S_ISREG(st.st_mode)) return {};  // none yet
  const auto size = static_cast<std::uint64_t>(st.st_size);
  if (size <= limit) return {};
  const std::string older = path + ".1", fresh = path + ".1.new";
  ::unlink(fresh.c_str());
  UniqueFd copy(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640));
  // A disk that is full is no reason to let the log grow on.
  const bool copied =
      copy && copy_from(log.get(), static_cast<off_t>(size - limit), copy.get(), limit);
  if (copied) {
    (void)::fchown(copy.get(), st.st_uid, st.st_gid);
    if (std::rename(fresh.c_str(), older.c_str()) != 0) return unwritable(older);
  } else {
    ::unlink(fresh.c_str());
  }
  return ::ftruncate(log.get(), 0) == 0 ? Status() : Status(unwritable(path));
}

}  // namespace rolesync
