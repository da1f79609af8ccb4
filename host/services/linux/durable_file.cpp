// SPDX-License-Identifier: Apache-2.0
#include "host/services/durable_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "host/process/unique_fd.hpp"

namespace rolesync {
namespace {

Error cannot(const char* what, const std::string& path) {
  const int reason = errno;
  return {reason == ENOSPC || reason == EDQUOT ? ErrorKind::unavailable : ErrorKind::failed,
          reason == ENOSPC || reason == EDQUOT ? "disk_full" : "state_unwritable",
          std::string("cannot ") + what + " " + path + ": " + std::strerror(reason),
          "check space and permissions of the state directory"};
}

Status write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return cannot("write", path);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

// Under a temporary name, then renamed.
Status write_new(const std::string& path, std::string_view text, mode_t mode, bool sync) {
  const std::string temporary = path + ".new";
  ::unlink(temporary.c_str());
  UniqueFd fd(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!fd) return cannot("create", temporary);
  Status written = write_all(fd.get(), text, temporary);
  if (written.ok() && sync && ::fsync(fd.get()) != 0) written = cannot("sync", temporary);
  if (written.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) {
    written = cannot("rename", temporary);
  }
  if (!written) ::unlink(temporary.c_str());
  return written;
}

}  // namespace

Status write_whole(const std::string& path, std::string_view text, mode_t mode) {
  return write_new(path, text, mode, false);
}

Status write_durably(const std::string& path, std::string_view text, mode_t mode) {
  if (Status written = write_new(path, text, mode, true); !written) return written;
  const std::string parent = std::filesystem::path(path).parent_path();
  UniqueFd directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0) return cannot("sync", parent);
  return {};
}

Result<std::optional<std::string>> read_if_there(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno == ENOENT) return std::optional<std::string>();
  std::string text;
  std::array<char, 16384> buffer;
  ssize_t size = fd ? 0 : -1;
  while (fd && (size = ::read(fd.get(), buffer.data(), buffer.size())) > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  if (size < 0) {
    return Error{ErrorKind::failed, "state_unreadable",
                 "cannot read " + path + ": " + std::strerror(errno), "check its permissions"};
  }
  return std::optional<std::string>(std::move(text));
}

Status make_directories(const std::string& path, mode_t mode) {
  const std::filesystem::path full(path);
  if (full.has_parent_path()) {
    std::error_code failure;
    std::filesystem::create_directories(full.parent_path(), failure);
  }
  if (::mkdir(path.c_str(), mode) == 0) return {};
  struct stat st {};
  if (errno == EEXIST && ::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode)) return {};
  return cannot("make the directory", path);
}

}  // namespace rolesync
