// SPDX-License-Identifier: Apache-2.0
// A store in a directory of its own, removed afterwards.
#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>

#include "server/store/store.hpp"

namespace rolesync::store {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rolesync-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override { reopen(); }

  void reopen() {
    store_.reset();
    auto opened = open_sqlite({.file = file()});
    ASSERT_TRUE(opened.ok()) << opened.error().text();
    store_ = std::move(*opened);
  }
  std::filesystem::path file() const { return directory_.path() / "store.db"; }
  Store& store() { return *store_; }

  TemporaryDirectory directory_;
  std::unique_ptr<Store> store_;
};

}  // namespace rolesync::store
