// SPDX-License-Identifier: Apache-2.0
// Hears what other servers tell on one database, on a connection and a thread of its own. After a
// lost connection it says that something may have been missed.
#pragma once
#include <atomic>
#include <thread>

#include "server/store/postgres_connection.hpp"
#include "server/store/store.hpp"

namespace rolesync::store {

class PostgresListener {
 public:
  // `server`: whose own words are left out.
  PostgresListener(PostgresAddress address, std::string server,
                   std::function<void(const Store::Word&)> heard);
  ~PostgresListener();  // ends the thread
  PostgresListener(const PostgresListener&) = delete;
  PostgresListener& operator=(const PostgresListener&) = delete;

 private:
  void run();
  bool hear(PostgresConnection& connection);
  void pause();

  const PostgresAddress address_;
  const std::string server_;
  const std::function<void(const Store::Word&)> heard_;
  int wake_[2] = {-1, -1};  // a byte in it ends the thread
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace rolesync::store
