// SPDX-License-Identifier: Apache-2.0
// Databases on a real PostgreSQL for tests (cluster.py). Tests of both databases are run twice by
// ctest, the second time with ROLESYNC_TEST_STORE=postgresql.
#pragma once
#include <filesystem>
#include <memory>
#include <string>

#include "server/store/store.hpp"

namespace rolesync::store {

bool on_postgresql();  // what this run of the test is about

// The cluster that ctest starts for all tests that need one.
std::filesystem::path shared_cluster();

// An empty database, dropped at the end together with whoever still uses it.
class TestDatabase {
 public:
  explicit TestDatabase(std::filesystem::path cluster = shared_cluster());
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  std::string address() const { return address_of(name_); }

 private:
  std::string address_of(const std::string& database) const;

  std::filesystem::path cluster_;
  std::string name_;
};

// A cluster of one test's own, which waits for the disk and may be killed.
class TestCluster {
 public:
  TestCluster();
  ~TestCluster();
  TestCluster(const TestCluster&) = delete;
  TestCluster& operator=(const TestCluster&) = delete;

  const std::filesystem::path& directory() const { return directory_; }
  void kill() const;     // kill -9 of all its processes
  void up() const;       // starts again
  void restart() const;  // at once: what was not committed is lost

 private:
  void run(const std::string& verb) const;

  std::filesystem::path directory_;
};

// Where one test keeps its store: a file in the directory, or a database.
class StorePlace {
 public:
  explicit StorePlace(const std::filesystem::path& directory);
  Result<std::unique_ptr<Store>> open() const;
  // The server's setting `store`; empty for the file.
  std::string address() const { return database_ ? database_->address() : ""; }
  const std::filesystem::path& file() const { return file_; }

 private:
  std::filesystem::path file_;
  std::unique_ptr<TestDatabase> database_;
};

}  // namespace rolesync::store
