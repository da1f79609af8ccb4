// SPDX-License-Identifier: Apache-2.0
// A file that gets its name only when its bytes are complete. Written under <directory>/tmp-...,
// removed when dropped before it was named. One thread.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "host/values/result.hpp"

namespace rolesync::source {

class DurableFile {
 public:
  static Result<DurableFile> create(const std::filesystem::path& directory);
  DurableFile(DurableFile&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)),
        path_(std::exchange(other.path_, std::filesystem::path())) {}
  DurableFile& operator=(DurableFile&&) = delete;
  ~DurableFile();

  Status write(std::string_view bytes);
  Status sync();  // this file; or sync_everything() for many at once
  void close();   // before name(), when thousands are waiting for it
  Status name(const std::filesystem::path& path);  // rename; sync_directory() makes it last

 private:
  DurableFile(int descriptor, std::filesystem::path path)
      : descriptor_(descriptor), path_(std::move(path)) {}
  int descriptor_;
  std::filesystem::path path_;
};

Status sync_directory(const std::filesystem::path& directory);
Status sync_everything(const std::filesystem::path& on_file_system_of);
// kind unavailable and reason disk_full for a full disk, else failed/cache_failed.
Error file_error(const std::string& what, const std::filesystem::path& path, int error_number);

}  // namespace rolesync::source
