// SPDX-License-Identifier: Apache-2.0
#include "server/store/sqlite_session.hpp"

#include <Poco/Data/RecordSet.h>
#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/SQLite/SQLiteException.h>
#include <Poco/Data/Session.h>
#include <Poco/Nullable.h>

#include <deque>
#include <mutex>
#include <unordered_map>

namespace rolesync::store {
namespace {

using Poco::Data::Keywords::now;
using Poco::Data::Keywords::use;

Error error_of(const Poco::Exception& e) {
  namespace sqlite = Poco::Data::SQLite;
  const std::string what = "the database says: " + e.displayText();
  if (dynamic_cast<const sqlite::ConstraintViolationException*>(&e)) {
    return {ErrorKind::conflict, "constraint", what};
  }
  if (dynamic_cast<const sqlite::DBLockedException*>(&e) ||
      dynamic_cast<const sqlite::TableLockedException*>(&e)) {
    return {ErrorKind::unavailable, "store_busy", what, "try again"};
  }
  if (dynamic_cast<const sqlite::DatabaseFullException*>(&e)) {
    return {ErrorKind::unavailable, "disk_full", what, "make room on the server's state directory"};
  }
  if (dynamic_cast<const sqlite::CorruptImageException*>(&e) ||
      what.find("not a database") != std::string::npos) {
    return {ErrorKind::failed, "store_damaged", what, "restore the database from a backup"};
  }
  return {ErrorKind::failed, "store_failed", what};
}

// The storage a prepared statement is bound to; its address must not change.
struct Slot {
  Poco::Nullable<std::string> text;
  Poco::Int64 integer = 0;
  double real = 0;
};

struct Prepared {
  explicit Prepared(Poco::Data::Session& session) : statement(session) {}
  Poco::Data::Statement statement;
  std::deque<Slot> slots;
};

char type_letter(const Value& value) {
  switch (value.held().index()) {
    case 1:
      return 'i';
    case 2:
      return 'd';
    default:
      return 's';  // NULL goes as a text without a value
  }
}

void fill(Slot& slot, const Value& value) {
  slot.text.clear();
  if (const auto* text = std::get_if<std::string>(&value.held())) slot.text = *text;
  if (const auto* number = std::get_if<std::int64_t>(&value.held())) slot.integer = *number;
  if (const auto* number = std::get_if<double>(&value.held())) slot.real = *number;
}

// Lists in a statement make it another one for every length.
constexpr std::size_t most_prepared = 300;

class SqliteSession : public Session {
 public:
  explicit SqliteSession(Poco::Data::Session session) : session_(std::move(session)) {}

  Result<std::size_t> execute(std::string_view sql, const std::vector<Value>& values) override {
    return with_prepared<std::size_t>(
        sql, values, [](Poco::Data::Statement& statement) { return statement.execute(); });
  }

  Result<std::vector<Row>> query(std::string_view sql, const std::vector<Value>& values) override {
    return with_prepared<std::vector<Row>>(sql, values, [](Poco::Data::Statement& statement) {
      statement.execute();
      return rows_of(statement);
    });
  }

 private:
  template <class T, class Run>
  Result<T> with_prepared(std::string_view sql, const std::vector<Value>& values, Run run) {
    if (const Status plain = check_text(values); !plain) return plain.error();
    std::string key(sql);
    for (const Value& value : values) key += type_letter(value);
    if (prepared_.size() >= most_prepared) prepared_.clear();
    try {
      auto& known = prepared_[key];
      if (known) {
        for (std::size_t i = 0; i < values.size(); ++i) fill(known->slots[i], values[i]);
      } else {
        known = std::make_unique<Prepared>(session_);
        prepare(*known, sql, values);
      }
      return run(known->statement);
    } catch (const Poco::Exception& e) {
      prepared_.erase(key);
      return error_of(e);
    }
  }

  static void prepare(Prepared& target, std::string_view sql, const std::vector<Value>& values) {
    target.statement << std::string(sql);
    for (const Value& value : values) {
      Slot& slot = target.slots.emplace_back();
      fill(slot, value);
      switch (type_letter(value)) {
        case 'i':
          target.statement, use(slot.integer);
          break;
        case 'd':
          target.statement, use(slot.real);
          break;
        default:
          target.statement, use(slot.text);
          break;
      }
    }
  }

  static std::vector<Row> rows_of(Poco::Data::Statement& statement) {
    Poco::Data::RecordSet records(statement);
    std::vector<Row> rows;
    rows.reserve(records.rowCount());
    for (std::size_t row = 0; row < records.rowCount(); ++row) {
      std::vector<Row::Column> columns(records.columnCount());
      for (std::size_t column = 0; column < columns.size(); ++column) {
        if (records.isNull(column, row)) continue;
        columns[column] = records.value(column, row).convert<std::string>();
      }
      rows.emplace_back(std::move(columns));
    }
    return rows;
  }

  Poco::Data::Session session_;
  std::unordered_map<std::string, std::unique_ptr<Prepared>> prepared_;
};

}  // namespace

Result<std::unique_ptr<Session>> open_sqlite_session(const std::filesystem::path& file,
                                                     SqliteAccess access) {
  static std::once_flag registered;
  std::call_once(registered, [] { Poco::Data::SQLite::Connector::registerConnector(); });
  try {
    Poco::Data::Session session("SQLite", file.string());
    session << "PRAGMA busy_timeout=10000", now;
    session << "PRAGMA journal_mode=WAL", now;
    session << "PRAGMA synchronous=FULL", now;
    session << "PRAGMA foreign_keys=ON", now;
    if (access == SqliteAccess::read_only) session << "PRAGMA query_only=ON", now;
    return std::unique_ptr<Session>(std::make_unique<SqliteSession>(std::move(session)));
  } catch (const Poco::Exception& e) {
    Error error = error_of(e);
    error.message = "cannot open " + file.string() + ": " + error.message;
    return error;
  }
}

}  // namespace rolesync::store
