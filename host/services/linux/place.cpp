// SPDX-License-Identifier: Apache-2.0
#include "host/services/linux/place.hpp"

#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace rolesync {
namespace {

// Opens a directory below `at`, refusing symlinks on the whole way. errno says why not.
FileDescriptor open_parts(int at, std::string_view path) {
  FileDescriptor here(path.starts_with('/') ? ::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)
                                            : ::openat(at, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (std::size_t begin = 0; here.ok() && begin < path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string part(path.substr(begin, end - begin));
    begin = end + 1;
    if (part.empty()) continue;
    const int next =
        ::openat(here.get(), part.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat found {};
    if (next < 0 && errno == ENOTDIR &&
        ::fstatat(here.get(), part.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0) {
      errno = S_ISLNK(found.st_mode) ? ELOOP : ENOTDIR;
    }
    here = FileDescriptor(next);
  }
  return here;
}

}  // namespace

FileDescriptor open_directory(int at, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_DIRECTORY | O_CLOEXEC);
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const long fd = ::syscall(SYS_openat2, at, path.c_str(), &how, sizeof how);
  if (fd >= 0) return FileDescriptor(static_cast<int>(fd));
  if (errno != ENOSYS && errno != EPERM) return FileDescriptor();
  const FileDescriptor walked = open_parts(at, path);
  return walked.ok() ? FileDescriptor(::openat(walked.get(), ".", flags | O_DIRECTORY | O_CLOEXEC))
                     : FileDescriptor();
}

}  // namespace rolesync
