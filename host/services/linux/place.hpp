// SPDX-License-Identifier: Apache-2.0
// Paths as parent descriptor + last name, the parent reached without following any symlink
// (openat2; part by part where a sandbox forbids it). Any thread; one object belongs to one thread.
#pragma once
#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <utility>

namespace rolesync {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

// A directory opened without walking through a symlink; errno says why not.
FileDescriptor open_directory(int at, const std::string& path, int flags = O_PATH);

// The directory that holds `path`, opened, and the name in it.
struct Place {
  explicit Place(const std::string& path) {
    const std::size_t slash = path.find_last_of('/');
    name = path.substr(slash + 1);
    directory = open_directory(AT_FDCWD, slash == 0 ? "/" : path.substr(0, slash));
  }
  bool ok() const { return directory.ok(); }
  int at() const { return directory.get(); }
  const char* entry() const { return name.c_str(); }
  FileDescriptor open(int flags, mode_t mode = 0) const {
    return FileDescriptor(ok() ? ::openat(at(), entry(), flags | O_NOFOLLOW | O_CLOEXEC, mode)
                               : -1);
  }

  FileDescriptor directory;
  std::string name;
};

}  // namespace rolesync
