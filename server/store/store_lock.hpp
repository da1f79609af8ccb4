// SPDX-License-Identifier: Apache-2.0
// The lock that keeps a second server away from the same SQLite file: flock on "<file>.lock", which
// the kernel drops with the process. Not copyable; any thread.
#pragma once
#include <filesystem>
#include <utility>

#include "host/values/result.hpp"

namespace rolesync::store {

class StoreLock {
 public:
  // conflict/store_in_use when another one holds it.
  static Result<StoreLock> take(const std::filesystem::path& database);
  StoreLock(StoreLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  StoreLock& operator=(StoreLock&&) = delete;
  ~StoreLock();

 private:
  explicit StoreLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace rolesync::store
