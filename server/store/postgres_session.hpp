// SPDX-License-Identifier: Apache-2.0
// A Session on one PostgreSQL connection. Statements are prepared once and used again. A lost
// connection is made anew by the next BEGIN; when it is lost during COMMIT, the database is asked
// afterwards what became of the transaction. One thread at a time.
#pragma once
#include <chrono>
#include <memory>
#include <string>

#include "server/store/postgres_text.hpp"
#include "server/store/session.hpp"

namespace rolesync::store {

struct PostgresSessionOptions {
  PostgresAddress address;
  std::string server;  // who tells, in Session::tell
  // How long a BEGIN or COMMIT waits for a database that is being started again.
  std::chrono::milliseconds patience{5'000};
};

Result<std::unique_ptr<Session>> open_postgres_session(PostgresSessionOptions options);

// Begins a change: whoever holds its lock is the only writer of all servers on the database.
extern const char* const begin_postgres_change;
extern const char* const begin_postgres_read;
// The channel of Session::tell. A message is the server's id, topic and subject, with blanks.
extern const char* const postgres_channel;

}  // namespace rolesync::store
