// SPDX-License-Identifier: Apache-2.0
// One connection to PostgreSQL, closed when it goes: under sessions, and for whoever listens. One
// thread at a time.
#pragma once
#include <memory>
#include <string>

#include "server/store/postgres_text.hpp"

struct pg_conn;
struct pg_result;

namespace rolesync::store {

class PostgresConnection {
 public:
  // Errors: unavailable/store_unreachable, failed/store_access_denied.
  static Result<std::unique_ptr<PostgresConnection>> open(const PostgresAddress& address);
  virtual ~PostgresConnection() = default;

  virtual pg_conn* handle() = 0;
  virtual bool lost() = 0;
  // What went wrong with a statement; store_unreachable when the connection is lost.
  virtual Error failure(const pg_result* result) = 0;
  // Statements without values; several may stand in one text. Returns the first column of the
  // first row of the last one, or what was done ("COMMIT", "ROLLBACK").
  virtual Result<std::string> run(const std::string& sql) = 0;
};

}  // namespace rolesync::store
