// SPDX-License-Identifier: Apache-2.0
// A store of a test's own, in a file or on PostgreSQL, removed afterwards.
#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>

#include "server/store/store.hpp"
#include "tests/postgresql/test_database.hpp"

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
  void SetUp() override {
    place_ = std::make_unique<StorePlace>(directory_.path());
    reopen();
  }

  void reopen() {
    store_.reset();
    auto opened = place_->open();
    ASSERT_TRUE(opened.ok()) << opened.error().text();
    store_ = std::move(*opened);
  }
  const StorePlace& place() const { return *place_; }
  const std::filesystem::path& file() const { return place_->file(); }  // of SQLite
  Store& store() { return *store_; }

  TemporaryDirectory directory_;
  std::unique_ptr<StorePlace> place_;
  std::unique_ptr<Store> store_;
};

}  // namespace rolesync::store
