// SPDX-License-Identifier: Apache-2.0
// Looks at a plugin file before anything of it is run: is it a complete shared library of this
// architecture, and could only root or ourselves have written it? What was checked is what is
// loaded: the bytes are read once, and a private copy named by their hash is made of them.
// Any thread.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "host/values/result.hpp"

namespace rolesync::plugin {

// Errors, all of kind invalid or denied: file_name_invalid, not_a_regular_file, symlink_refused,
// untrusted_owner, writable_by_others, untrusted_directory, file_unreadable, file_too_large.
Result<std::string> read_trusted_file(const std::filesystem::path& path);

// Errors: file_empty, not_elf, wrong_architecture, not_a_shared_library, elf_truncated.
Status check_elf(std::string_view bytes);

// The file <sha256>.so in the private directory; removed with its last owner.
class PrivateCopy {
 public:
  static Result<std::shared_ptr<const PrivateCopy>> make(const std::filesystem::path& directory,
                                                         const std::string& sha256,
                                                         std::string_view bytes);
  ~PrivateCopy();
  PrivateCopy(const PrivateCopy&) = delete;
  PrivateCopy& operator=(const PrivateCopy&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit PrivateCopy(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

// Makes the directory (0700) and removes copies that an earlier process left. Errors:
// private_directory_unusable.
Status prepare_private_directory(const std::filesystem::path& directory);

}  // namespace rolesync::plugin
