// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/file_check.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "host/process/unique_fd.hpp"
#include "host/values/names.hpp"

namespace rolesync::plugin {
namespace {

namespace fs = std::filesystem;

constexpr off_t largest_file = 256 << 20;

Error refuse(ErrorKind kind, const char* reason, std::string message, std::string hint = "") {
  return {kind, reason, std::move(message), std::move(hint)};
}

std::string errno_text() {
  return std::strerror(errno);
}

bool is_trusted_owner(uid_t owner) {
  return owner == 0 || owner == ::geteuid();
}

Status check_owner_and_mode(const fs::path& path, const struct stat& found) {
  if (!is_trusted_owner(found.st_uid)) {
    return refuse(
        ErrorKind::denied, "untrusted_owner",
        path.string() + " belongs to user " + std::to_string(found.st_uid),
        "only root or the user of this process may own a plugin: chown root " + path.string());
  }
  if (found.st_mode & (S_IWGRP | S_IWOTH)) {
    return refuse(ErrorKind::denied, "writable_by_others",
                  path.string() + " may be written by others than its owner",
                  "chmod go-w " + path.string());
  }
  return {};
}

// Whoever can rename an entry of a parent can put another file in our path. A sticky directory
// such as /tmp lets only owners do so.
Status check_parents(const fs::path& path) {
  for (fs::path parent = path.parent_path(); !parent.empty(); parent = parent.parent_path()) {
    struct stat found {};
    if (::lstat(parent.c_str(), &found) != 0) {
      return refuse(ErrorKind::denied, "untrusted_directory",
                    parent.string() + " cannot be examined: " + errno_text());
    }
    const bool others_write = found.st_mode & (S_IWGRP | S_IWOTH);
    const bool sticky = found.st_mode & S_ISVTX;
    if (!is_trusted_owner(found.st_uid) || (others_write && !sticky)) {
      return refuse(ErrorKind::denied, "untrusted_directory",
                    "directory " + parent.string() + " of " + path.filename().string() +
                        " may be changed by others than root and the user of this process",
                    "chown root and chmod go-w " + parent.string());
    }
    if (parent == parent.root_path()) break;
  }
  return {};
}

Result<std::string> read_all(int fd, const fs::path& path, std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t count = ::read(fd, bytes.data() + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return refuse(ErrorKind::failed, "file_unreadable",
                    path.string() + " cannot be read: " + errno_text());
    }
    if (count == 0) break;  // it became shorter; the ELF check will say so
    done += static_cast<std::size_t>(count);
  }
  bytes.resize(done);
  return bytes;
}

Status write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return refuse(ErrorKind::unavailable, "private_copy_failed",
                    "the private copy of the plugin cannot be written: " + errno_text());
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace

Result<std::string> read_trusted_file(const fs::path& path) {
  if (path.extension() != ".so" || !is_plugin_id(path.stem().string())) {
    return refuse(ErrorKind::invalid, "file_name_invalid",
                  "\"" + path.filename().string() + "\" is not a plugin's file name",
                  "name it <id>.so, of lower-case letters, digits, '-' and '_'");
  }
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0 && S_ISLNK(found.st_mode)) {
    return refuse(ErrorKind::invalid, "symlink_refused", path.string() + " is a symbolic link",
                  "copy the plugin itself into the directory");
  }
  // Not blocking: a FIFO of that name must not hold us up.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!fd || ::fstat(fd.get(), &found) != 0) {
    return refuse(ErrorKind::failed, "file_unreadable",
                  path.string() + " cannot be opened: " + errno_text());
  }
  if (!S_ISREG(found.st_mode)) {
    return refuse(ErrorKind::invalid, "not_a_regular_file", path.string() + " is no regular file");
  }
  if (Status status = check_owner_and_mode(path, found); !status) return status.error();
  if (Status status = check_parents(path); !status) return status.error();
  if (found.st_size > largest_file) {
    return refuse(ErrorKind::invalid, "file_too_large",
                  path.string() + " is larger than any plugin has to be");
  }
  return read_all(fd.get(), path, static_cast<std::size_t>(found.st_size));
}

Result<std::shared_ptr<const PrivateCopy>> PrivateCopy::make(const fs::path& directory,
                                                             const std::string& sha256,
                                                             std::string_view bytes) {
  const fs::path path = directory / (sha256 + ".so");
  const fs::path temporary = directory / (sha256 + ".new");
  {
    ::unlink(temporary.c_str());
    const UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0500));
    if (!fd) {
      return refuse(ErrorKind::unavailable, "private_copy_failed",
                    temporary.string() + " cannot be created: " + errno_text());
    }
    if (Status status = write_all(fd.get(), bytes); !status) return status.error();
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    return refuse(ErrorKind::unavailable, "private_copy_failed",
                  path.string() + " cannot be created: " + errno_text());
  }
  return std::shared_ptr<const PrivateCopy>(new PrivateCopy(path));
}

PrivateCopy::~PrivateCopy() {
  ::unlink(path_.c_str());
}

Status prepare_private_directory(const fs::path& directory) {
  const auto unusable = [&](const std::string& why) {
    return refuse(ErrorKind::failed, "private_directory_unusable",
                  "the directory for private copies, " + directory.string() + ", " + why);
  };
  std::error_code error;
  fs::create_directories(directory.parent_path(), error);
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return unusable("cannot be made: " + errno_text());
  }
  struct stat found {};
  if (::lstat(directory.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) {
    return unusable("is no directory");
  }
  if (found.st_uid != ::geteuid() || (found.st_mode & 077) != 0) {
    return unusable("must belong to the user of this process and have mode 0700");
  }
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    const fs::path extension = entry.path().extension();
    if (extension == ".so" || extension == ".new") ::unlink(entry.path().c_str());
  }
  return {};
}

}  // namespace rolesync::plugin
