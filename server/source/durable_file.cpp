// SPDX-License-Identifier: Apache-2.0
#include "server/source/durable_file.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace rolesync::source {
namespace {

Status with_directory(const std::filesystem::path& directory, int (*sync)(int)) {
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return file_error("open", directory, errno);
  const int failed = sync(descriptor) != 0 ? errno : 0;
  ::close(descriptor);
  return failed ? Status{file_error("sync", directory, failed)} : Status{};
}

}  // namespace

Error file_error(const std::string& what, const std::filesystem::path& path, int error_number) {
  const std::string message =
      "cannot " + what + " " + path.string() + ": " + std::strerror(error_number);
  if (error_number == ENOSPC || error_number == EDQUOT) {
    return {ErrorKind::unavailable, "disk_full", message,
            "make room on the server's state directory"};
  }
  return {ErrorKind::failed, "cache_failed", message};
}

Result<DurableFile> DurableFile::create(const std::filesystem::path& directory) {
  std::string pattern = (directory / "tmp-XXXXXX").string();
  const int descriptor = ::mkostemp(pattern.data(), O_CLOEXEC);  // mode 0600
  if (descriptor < 0) return file_error("create a file in", directory, errno);
  return DurableFile(descriptor, pattern);
}

DurableFile::~DurableFile() {
  close();
  if (!path_.empty()) ::unlink(path_.c_str());
}

Status DurableFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return file_error("write", path_, errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Status DurableFile::sync() {
  return ::fsync(descriptor_) == 0 ? Status{} : Status{file_error("sync", path_, errno)};
}

void DurableFile::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

Status DurableFile::name(const std::filesystem::path& path) {
  close();
  if (std::rename(path_.c_str(), path.c_str()) != 0) return file_error("name", path, errno);
  path_.clear();
  return {};
}

Status sync_directory(const std::filesystem::path& directory) {
  return with_directory(directory, ::fsync);
}

Status sync_everything(const std::filesystem::path& on_file_system_of) {
  return with_directory(on_file_system_of, ::syncfs);
}

}  // namespace rolesync::source
