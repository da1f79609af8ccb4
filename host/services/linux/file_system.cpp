// SPDX-License-Identifier: Apache-2.0
// The real FileSystem: every path is a Place, so nothing here ever walks through a symlink.
#include "host/services/file_system.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "host/services/linux/place.hpp"

namespace rolesync {
namespace {

// What an operator meets as the end of a task has a name and a way out; the rest says its errno.
struct Named {
  int code;
  ErrorKind kind;
  const char *reason, *hint;
};
constexpr Named kNamed[] = {
    {ENOSPC, ErrorKind::unavailable, "disk_full", "free space there and try again"},
    {EDQUOT, ErrorKind::unavailable, "disk_full", "free space there and try again"},
    {EROFS, ErrorKind::denied, "read_only", "mount that file system for writing"},
    {EACCES, ErrorKind::denied, "permission_denied", "see its owner, mode and attributes (lsattr)"},
    {EPERM, ErrorKind::denied, "permission_denied", "see its owner, mode and attributes (lsattr)"},
    {EIO, ErrorKind::failed, "disk_error", "see the kernel's log on the node"},
};

Error failure(int code, const std::string& what, std::string_view path) {
  const std::string said =
      "cannot " + what + " " + std::string(path) + ": " + strerrordesc_np(code);
  for (const Named& named : kNamed) {
    if (named.code == code) return {named.kind, named.reason, said, named.hint};
  }
  const char* name = strerrorname_np(code);
  std::string reason = name ? name : "errno_" + std::to_string(code);
  std::transform(reason.begin(), reason.end(), reason.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return {code == ENOENT ? ErrorKind::not_found : ErrorKind::failed, reason, said};
}

std::int64_t nanoseconds(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

FileStat converted(const struct stat& s) {
  FileStat out;
  out.type = S_ISREG(s.st_mode)   ? FileType::regular
             : S_ISDIR(s.st_mode) ? FileType::directory
             : S_ISLNK(s.st_mode) ? FileType::symlink
                                  : FileType::other;
  out.mode = s.st_mode & 07777;
  out.size = static_cast<std::uint64_t>(s.st_size);
  out.inode = s.st_ino;
  out.device = s.st_dev;
  out.mtime_ns = nanoseconds(s.st_mtim);
  out.ctime_ns = nanoseconds(s.st_ctim);
  out.uid = s.st_uid;
  out.gid = s.st_gid;
  return out;
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(fd, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

bool copy_bytes(int from, int to) {
  if (::ioctl(to, FICLONE, from) == 0) return true;
  while (true) {
    const ssize_t moved = ::copy_file_range(from, nullptr, to, nullptr, 1 << 30, 0);
    if (moved == 0) break;
    if (moved < 0 && errno != EINTR) {
      if (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP) return false;
      break;
    }
  }
  // What the kernel would not copy (some file systems also answer 0 at once) is copied by hand.
  char buffer[64 * 1024];
  while (true) {
    const ssize_t got = ::read(from, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0;
    if (!write_all(to, {buffer, static_cast<std::size_t>(got)})) return false;
  }
}

class HeldLock final : public FileLock {
 public:
  explicit HeldLock(FileDescriptor fd) : fd_(std::move(fd)) {}

 private:
  FileDescriptor fd_;
};

class RealFileSystem final : public FileSystem {
 public:
  Result<FileStat> stat(const std::string& path) override {
    const Place place(path);
    struct stat s {};
    if (!place.ok() || ::fstatat(place.at(), place.entry(), &s, AT_SYMLINK_NOFOLLOW) != 0) {
      return failure(errno, "look at", path);
    }
    return converted(s);
  }

  void stat_below(const std::string& base, const std::vector<const std::string*>& paths,
                  const StatSink& sink) override {
    const FileDescriptor top = open_directory(AT_FDCWD, base);
    const int no_top = top.ok() ? 0 : errno;
    std::string_view open_name = "/";  // no relative path has this parent
    FileDescriptor open;
    int why_closed = 0;
    for (std::size_t i = 0; i < paths.size(); ++i) {
      const std::string& path = *paths[i];
      const std::size_t slash = path.find_last_of('/');
      const std::string_view parent =
          slash == std::string::npos ? std::string_view() : std::string_view(path).substr(0, slash);
      if (top.ok() && parent != open_name) {
        open = open_directory(top.get(), parent.empty() ? "." : std::string(parent));
        why_closed = open.ok() ? 0 : errno;
        open_name = parent;
      }
      struct stat s {};
      if (!open.ok()) {
        sink(i, failure(no_top ? no_top : why_closed, "look below " + base + " at", path));
      } else if (::fstatat(open.get(), path.c_str() + (slash + 1), &s, AT_SYMLINK_NOFOLLOW) != 0) {
        sink(i, failure(errno, "look below " + base + " at", path));
      } else {
        sink(i, converted(s));
      }
    }
  }

  Result<std::vector<std::string>> list(const std::string& directory) override {
    FileDescriptor fd = open_directory(AT_FDCWD, directory, O_RDONLY);
    DIR* stream = fd.ok() ? ::fdopendir(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3)) : nullptr;
    if (!stream) return failure(errno, "list", directory);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(stream)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
      errno = 0;
    }
    const int problem = errno;
    ::closedir(stream);
    if (problem) return failure(problem, "list", directory);
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<std::string> read(const std::string& path) override {
    std::string bytes;
    Status status = read_chunks(path, [&](std::string_view chunk) { bytes += chunk; });
    if (!status) return status.error();
    return bytes;
  }

  Status read_chunks(const std::string& path,
                     const std::function<void(std::string_view)>& sink) override {
    // O_NONBLOCK: a pipe that somebody put here must not hang us; it has no effect on files.
    const FileDescriptor fd = Place(path).open(O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!fd.ok()) return failure(errno, "open", path);
    char buffer[64 * 1024];
    while (true) {
      const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return failure(errno, "read", path);
      if (got == 0) return {};
      sink({buffer, static_cast<std::size_t>(got)});
    }
  }

  Result<std::string> read_link(const std::string& path) override {
    const Place place(path);
    char buffer[PATH_MAX];
    const ssize_t got =
        place.ok() ? ::readlinkat(place.at(), place.entry(), buffer, sizeof buffer) : -1;
    if (got < 0) return failure(errno, "read the link", path);
    return std::string(buffer, static_cast<std::size_t>(got));
  }

  Status write(const std::string& path, std::string_view bytes, std::uint32_t mode) override {
    const FileDescriptor fd = Place(path).open(O_WRONLY | O_CREAT | O_TRUNC, mode);
    if (!fd.ok() || ::fchmod(fd.get(), mode) != 0 || !write_all(fd.get(), bytes)) {
      return failure(errno, "write", path);
    }
    return {};
  }

  Status make_directory(const std::string& path, std::uint32_t mode) override {
    const Place place(path);
    if (!place.ok() || ::mkdirat(place.at(), place.entry(), mode) != 0) {
      return failure(errno, "make the directory", path);
    }
    const FileDescriptor made = place.open(O_RDONLY | O_DIRECTORY);
    if (!made.ok() || ::fchmod(made.get(), mode) != 0) {
      return failure(errno, "set the mode of", path);
    }
    return {};
  }

  Status make_symlink(const std::string& target, const std::string& path) override {
    const Place place(path);
    const bool done = place.ok() && ::symlinkat(target.c_str(), place.at(), place.entry()) == 0;
    return done ? Status() : failure(errno, "make the symlink", path);
  }

  Status hard_link(const std::string& from, const std::string& to) override {
    const Place source(from);
    if (!source.ok()) return failure(errno, "link", from);
    const Place place(to);
    const bool done =
        place.ok() && ::linkat(source.at(), source.entry(), place.at(), place.entry(), 0) == 0;
    return done ? Status() : failure(errno, "link", to);
  }

  Status copy(const std::string& from, const std::string& to, std::uint32_t mode) override {
    const FileDescriptor source = Place(from).open(O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!source.ok()) return failure(errno, "open", from);
    const FileDescriptor fd = Place(to).open(O_RDWR | O_CREAT | O_TRUNC, mode);
    if (!fd.ok() || ::fchmod(fd.get(), mode) != 0 || !copy_bytes(source.get(), fd.get())) {
      return failure(errno, "copy to", to);
    }
    return {};
  }

  Status rename(const std::string& from, const std::string& to) override {
    return renamed(from, to, 0);
  }
  Status rename_new(const std::string& from, const std::string& to) override {
    return renamed(from, to, RENAME_NOREPLACE);
  }
  Status exchange(const std::string& a, const std::string& b) override {
    return renamed(a, b, RENAME_EXCHANGE);
  }

  Status remove_file(const std::string& path) override { return removed(path, 0); }
  Status remove_directory(const std::string& path) override { return removed(path, AT_REMOVEDIR); }

  Status set_mode(const std::string& path, std::uint32_t mode) override {
    const FileDescriptor fd = Place(path).open(O_RDONLY | O_NONBLOCK | O_NOCTTY);
    const bool done = fd.ok() && ::fchmod(fd.get(), mode) == 0;
    return done ? Status() : failure(errno, "set the mode of", path);
  }

  Status set_owner(const std::string& path, uid_t uid, gid_t gid) override {
    const Place place(path);
    const bool done =
        place.ok() && ::fchownat(place.at(), place.entry(), uid, gid, AT_SYMLINK_NOFOLLOW) == 0;
    return done ? Status() : failure(errno, "set the owner of", path);
  }

  Status sync_file(const std::string& path) override {
    const FileDescriptor fd = Place(path).open(O_RDONLY | O_NONBLOCK | O_NOCTTY);
    return fd.ok() && ::fsync(fd.get()) == 0 ? Status() : failure(errno, "sync", path);
  }

  Status sync_directory(const std::string& path) override {
    const FileDescriptor fd = open_directory(AT_FDCWD, path, O_RDONLY);
    return fd.ok() && ::fsync(fd.get()) == 0 ? Status() : failure(errno, "sync", path);
  }

  Status sync_file_system(const std::string& path) override {
    const FileDescriptor fd = open_directory(AT_FDCWD, path, O_RDONLY);
    return fd.ok() && ::syncfs(fd.get()) == 0 ? Status() : failure(errno, "sync", path);
  }

  Result<std::uint64_t> free_bytes(const std::string& path) override {
    const FileDescriptor fd = open_directory(AT_FDCWD, path);
    struct statvfs s {};
    if (!fd.ok() || ::fstatvfs(fd.get(), &s) != 0) return failure(errno, "ask the space of", path);
    return static_cast<std::uint64_t>(s.f_bavail) * s.f_frsize;
  }

  Result<std::string> canonical(const std::string& path) override {
    char* resolved = ::realpath(path.c_str(), nullptr);
    if (!resolved) return failure(errno, "resolve", path);
    std::string out = resolved;
    std::free(resolved);
    return out;
  }

  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
    FileDescriptor fd = Place(path).open(O_RDWR | O_CREAT, 0600);
    if (!fd.ok()) return failure(errno, "open", path);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return failure(errno, "lock", path);
      return Error{ErrorKind::conflict, "locked", path + " is locked by another process"};
    }
    return std::unique_ptr<FileLock>(std::make_unique<HeldLock>(std::move(fd)));
  }

  std::int64_t now_ns() override {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return nanoseconds(now);
  }

 private:
  static Status renamed(const std::string& from, const std::string& to, unsigned flags) {
    const Place source(from);
    if (!source.ok()) return failure(errno, "move", from);
    const Place place(to);
    const bool done = place.ok() && ::renameat2(source.at(), source.entry(), place.at(),
                                                place.entry(), flags) == 0;
    return done ? Status() : failure(errno, flags == RENAME_EXCHANGE ? "exchange" : "move to", to);
  }

  static Status removed(const std::string& path, int flags) {
    const Place place(path);
    const bool done = place.ok() && ::unlinkat(place.at(), place.entry(), flags) == 0;
    return done ? Status() : failure(errno, "remove", path);
  }
};

}  // namespace

FileSystem& real_file_system() {
  static RealFileSystem file_system;
  return file_system;
}

}  // namespace rolesync
