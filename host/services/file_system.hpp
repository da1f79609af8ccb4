// SPDX-License-Identifier: Apache-2.0
// The file operations an activation needs, and no others: the seam where tests record operations,
// inject faults and model lost power. The real one is linux/file_system.cpp. Any thread.
//
// Paths are absolute and canonical (see canonical()). No operation walks through a symlink: a
// symlink as a parent fails with "eloop", so nobody who owns a part of a tree can lead us out of it
// between a check and a change. The last part of a path is never followed either.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/values/result.hpp"

namespace rolesync {

enum class FileType { regular, directory, symlink, other };

struct FileStat {
  FileType type = FileType::other;
  std::uint32_t mode = 0;  // permission bits
  std::uint64_t size = 0, inode = 0, device = 0;
  std::int64_t mtime_ns = 0, ctime_ns = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  bool operator==(const FileStat&) const = default;
};

// Held while it lives.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // Errors everywhere: unavailable/disk_full (ENOSPC, EDQUOT), denied/read_only (EROFS),
  // denied/permission_denied (EACCES, EPERM), failed/disk_error (EIO); else the reason is the
  // errno's name in lower case, kind not_found for "enoent", else failed.
  virtual Result<FileStat> stat(const std::string& path) = 0;  // of the link itself
  // stat() of many paths below `base` (relative, best sorted), much cheaper than one by one.
  using StatSink = std::function<void(std::size_t index, const Result<FileStat>& stat)>;
  virtual void stat_below(const std::string& base, const std::vector<const std::string*>& paths,
                          const StatSink& sink) = 0;
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;  // sorted names
  virtual Result<std::string> read(const std::string& path) = 0;
  virtual Status read_chunks(const std::string& path,
                             const std::function<void(std::string_view)>& sink) = 0;
  virtual Result<std::string> read_link(const std::string& path) = 0;

  // Creates or truncates; the mode is exact, whatever the umask.
  virtual Status write(const std::string& path, std::string_view bytes, std::uint32_t mode) = 0;
  virtual Status make_directory(const std::string& path, std::uint32_t mode) = 0;
  virtual Status make_symlink(const std::string& target, const std::string& path) = 0;
  virtual Status hard_link(const std::string& from, const std::string& to) = 0;
  // A new file with its own bytes (shared copy-on-write where the file system can).
  virtual Status copy(const std::string& from, const std::string& to, std::uint32_t mode) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  virtual Status rename_new(const std::string& from, const std::string& to) = 0;  // NOREPLACE
  virtual Status exchange(const std::string& a, const std::string& b) = 0;        // RENAME_EXCHANGE
  virtual Status remove_file(const std::string& path) = 0;
  virtual Status remove_directory(const std::string& path) = 0;  // must be empty
  virtual Status set_mode(const std::string& path, std::uint32_t mode) = 0;
  virtual Status set_owner(const std::string& path, uid_t uid,
                           gid_t gid) = 0;  // of the link itself

  virtual Status sync_file(const std::string& path) = 0;
  virtual Status sync_directory(const std::string& path) = 0;
  // Everything written so far to the file system that holds `path`: cheaper than many sync_file().
  virtual Status sync_file_system(const std::string& path) = 0;
  virtual Result<std::uint64_t> free_bytes(const std::string& path) = 0;

  // The path with all symlinks resolved; it must exist.
  virtual Result<std::string> canonical(const std::string& path) = 0;
  // Creates the file if needed. Errors: conflict/locked when somebody else holds it.
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
  // The clock that stamps files, nanoseconds since 1970.
  virtual std::int64_t now_ns() = 0;
};

FileSystem& real_file_system();

}  // namespace rolesync
