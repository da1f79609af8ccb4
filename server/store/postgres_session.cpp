// SPDX-License-Identifier: Apache-2.0
#include "server/store/postgres_session.hpp"

#include <libpq-fe.h>

#include <thread>
#include <unordered_map>

#include "server/store/postgres_connection.hpp"

namespace rolesync::store {

// The number is arbitrary; nobody else locks it.
const char* const begin_postgres_change =
    "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(7220416); "
    "SELECT pg_current_xact_id()";
const char* const begin_postgres_read = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
const char* const postgres_channel = "rolesync";

namespace {

constexpr Oid bool_type = 16, int8_type = 20, text_type = 25, float8_type = 701;
constexpr std::size_t most_prepared = 300;

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPointer = std::unique_ptr<PGresult, ClearResult>;

// NULL has no type of its own: the place where it stands says which.
Oid type_of(const Value& value) {
  constexpr Oid types[] = {0, int8_type, float8_type, text_type};
  return types[value.held().index()];
}

std::optional<std::string> text_of(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value.held())) return *text;
  if (const auto* number = std::get_if<std::int64_t>(&value.held())) return std::to_string(*number);
  if (const auto* number = std::get_if<double>(&value.held())) {
    char digits[40];
    std::snprintf(digits, sizeof digits, "%.17g", *number);
    return digits;
  }
  return std::nullopt;
}

Row::Column column_of(PGresult* result, int row, int column) {
  if (PQgetisnull(result, row, column)) return std::nullopt;
  const std::string text(PQgetvalue(result, row, column),
                         static_cast<std::size_t>(PQgetlength(result, row, column)));
  if (PQftype(result, column) == bool_type) return text == "t" ? "1" : "0";
  return text;
}

std::vector<Row> rows_of(PGresult* result) {
  std::vector<Row> rows;
  rows.reserve(static_cast<std::size_t>(PQntuples(result)));
  for (int row = 0; row < PQntuples(result); ++row) {
    std::vector<Row::Column> columns;
    columns.reserve(static_cast<std::size_t>(PQnfields(result)));
    for (int column = 0; column < PQnfields(result); ++column) {
      columns.push_back(column_of(result, row, column));
    }
    rows.emplace_back(std::move(columns));
  }
  return rows;
}

bool is_control(std::string_view sql) {
  for (const char* word : {"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"}) {
    if (sql.starts_with(word)) return true;
  }
  return false;
}

class PostgresSession : public Session {
 public:
  PostgresSession(PostgresSessionOptions options, std::unique_ptr<PostgresConnection> connection)
      : options_(std::move(options)), connection_(std::move(connection)) {}

  Result<std::size_t> execute(std::string_view sql, const std::vector<Value>& values) override {
    if (values.empty() && is_control(sql)) return control(std::string(sql));
    const auto result = perform(sql, values);
    if (!result) return result.error();
    const std::string changed = PQcmdTuples(result->get());
    return changed.empty() ? 0 : static_cast<std::size_t>(std::stoull(changed));
  }

  Result<std::vector<Row>> query(std::string_view sql, const std::vector<Value>& values) override {
    const auto result = perform(sql, values);
    if (!result) return result.error();
    return rows_of(result->get());
  }

  Status tell(std::string_view topic, std::string_view subject) override {
    const std::string message =
        options_.server + " " + std::string(topic) + " " + std::string(subject);
    return status_of(execute("SELECT pg_notify(?, ?)", {postgres_channel, message}));
  }

 private:
  Result<std::size_t> control(const std::string& sql) {
    if (sql.starts_with("BEGIN")) return begin(sql);
    auto done = connection_->run(sql);
    if (sql != "COMMIT") return done ? Result<std::size_t>(std::size_t{0}) : done.error();
    if (done && *done == "COMMIT") return std::size_t{0};
    if (done) {  // what it answers to a COMMIT after an error
      return Error{ErrorKind::failed, "store_failed",
                   "the database rolled the transaction back, because a statement in it failed"};
    }
    if (!connection_->lost()) return done.error();
    return fate_of_commit(done.error());
  }

  Result<std::size_t> begin(const std::string& sql) {
    if (prepared_.size() >= most_prepared && connection_->run("DEALLOCATE ALL")) prepared_.clear();
    auto begun = connection_->run(sql);
    if (!begun && connection_->lost()) {
      if (Status again = reconnect(); !again) return again.error();
      begun = connection_->run(sql);
    }
    if (!begun) {
      if (!connection_->lost()) (void)connection_->run("ROLLBACK");  // BEGIN itself has succeeded
      return begun.error();
    }
    transaction_ = *begun;
    return std::size_t{0};
  }

  Status reconnect() {
    const auto end = std::chrono::steady_clock::now() + options_.patience;
    while (true) {
      auto opened = PostgresConnection::open(options_.address);
      if (opened) {
        connection_ = std::move(*opened);
        prepared_.clear();
        return {};
      }
      if (std::chrono::steady_clock::now() > end) return opened.error();
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }

  // The connection was lost after COMMIT was sent: the database knows whether it was kept.
  Result<std::size_t> fate_of_commit(const Error& lost) {
    const auto end = std::chrono::steady_clock::now() + options_.patience;
    while (std::chrono::steady_clock::now() < end) {
      if (!reconnect()) break;
      const auto fate = connection_->run("SELECT pg_xact_status('" + transaction_ + "'::xid8)");
      if (fate && *fate == "committed") return std::size_t{0};
      if (fate && *fate == "aborted") return lost;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));  // its process still works
    }
    return Error{ErrorKind::unavailable, "store_outcome_unknown",
                 "the connection to the database was lost while the change was being committed, "
                 "and it cannot be asked whether it was",
                 "look whether the change is there before repeating it; a request with an "
                 "Idempotency-Key may be repeated as it is"};
  }

  Result<ResultPointer> perform(std::string_view sql, const std::vector<Value>& values) {
    if (const Status plain = check_text(values); !plain) return plain.error();
    const auto name = prepare(sql, values);
    if (!name) return name.error();
    std::vector<std::optional<std::string>> texts;
    std::vector<const char*> pointers;
    texts.reserve(values.size());
    for (const Value& value : values) texts.push_back(text_of(value));
    for (const auto& text : texts) pointers.push_back(text ? text->c_str() : nullptr);
    PGconn* const handle = connection_->handle();
    ResultPointer result(PQexecPrepared(handle, name->c_str(), static_cast<int>(pointers.size()),
                                        pointers.data(), nullptr, nullptr, 0));
    const ExecStatusType status = PQresultStatus(result.get());
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return result;
    return connection_->failure(result.get());
  }

  Result<std::string> prepare(std::string_view sql, const std::vector<Value>& values) {
    std::string key(sql);
    std::vector<Oid> types;
    for (const Value& value : values) {
      types.push_back(type_of(value));
      key += static_cast<char>('0' + value.held().index());
    }
    if (const auto known = prepared_.find(key); known != prepared_.end()) return known->second;
    PGconn* const handle = connection_->handle();
    std::string name = "s" + std::to_string(++prepared_count_);
    const ResultPointer result(PQprepare(handle, name.c_str(), with_numbered_places(sql).c_str(),
                                         static_cast<int>(types.size()), types.data()));
    if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) {
      return connection_->failure(result.get());
    }
    prepared_.emplace(std::move(key), name);
    return name;
  }

  const PostgresSessionOptions options_;
  std::unique_ptr<PostgresConnection> connection_;
  std::string transaction_;  // the id of the change that was begun last
  std::unordered_map<std::string, std::string> prepared_;
  std::uint64_t prepared_count_ = 0;
};

}  // namespace

Result<std::unique_ptr<Session>> open_postgres_session(PostgresSessionOptions options) {
  auto connection = PostgresConnection::open(options.address);
  if (!connection) return connection.error();
  return std::unique_ptr<Session>(
      std::make_unique<PostgresSession>(std::move(options), std::move(*connection)));
}

}  // namespace rolesync::store
