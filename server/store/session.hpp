// SPDX-License-Identifier: Apache-2.0
// One connection to the database, as the typed functions of this room see it: one SQL dialect with
// `?` placeholders, times as BIGINT milliseconds, booleans as BIGINT 0 or 1, JSON as TEXT. A
// session is used by one thread at a time; it is handed in by Store::write and Store::read only.
#pragma once
#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "host/values/result.hpp"

namespace rolesync::store {

// What a placeholder may hold. Text with a NUL byte is refused (reason text_has_nul), because the
// drivers would cut it there without a word.
class Value {
 public:
  using Held = std::variant<std::nullptr_t, std::int64_t, double, std::string>;
  Value(std::nullptr_t) : held_(nullptr) {}
  Value(std::string text) : held_(std::move(text)) {}
  Value(std::string_view text) : held_(std::string(text)) {}
  Value(const char* text) : held_(std::string(text)) {}
  Value(std::integral auto number) : held_(static_cast<std::int64_t>(number)) {}
  Value(double number) : held_(number) {}
  template <class T>
  Value(const std::optional<T>& value) : held_(nullptr) {
    if (value) held_ = Value(*value).held_;
  }

  const Held& held() const { return held_; }

 private:
  Held held_;
};

// One row of an answer; columns are counted from 0 in the order of the SELECT list.
class Row {
 public:
  using Column = std::optional<std::string>;
  explicit Row(std::vector<Column> columns) : columns_(std::move(columns)) {}

  std::size_t size() const { return columns_.size(); }
  bool is_null(std::size_t column) const { return !columns_.at(column); }
  std::string text(std::size_t column) const { return columns_.at(column).value_or(""); }
  std::int64_t integer(std::size_t column) const;  // 0 for NULL
  bool boolean(std::size_t column) const { return integer(column) != 0; }
  std::optional<std::int64_t> optional_integer(std::size_t column) const;

 private:
  std::vector<Column> columns_;
};

class Session {
 public:
  virtual ~Session() = default;

  // One statement without an answer; returns the number of rows it changed. Errors:
  // conflict/constraint (unique, foreign key), unavailable/store_busy, unavailable/disk_full,
  // invalid/text_has_nul, failed/store_failed.
  virtual Result<std::size_t> execute(std::string_view sql, const std::vector<Value>& values) = 0;
  Result<std::size_t> execute(std::string_view sql) { return execute(sql, {}); }

  // One statement with an answer: SELECT, or a change with RETURNING.
  virtual Result<std::vector<Row>> query(std::string_view sql,
                                         const std::vector<Value>& values) = 0;
  Result<std::vector<Row>> query(std::string_view sql) { return query(sql, {}); }

  // Inside a change: the other servers on this database hear of it once it is committed, and only
  // then (Store::listen). A database that belongs to one server has nobody to tell.
  virtual Status tell(std::string_view /*topic*/, std::string_view /*subject*/) { return {}; }
};

// Refuses texts that a database would cut: text_has_nul.
Status check_text(const std::vector<Value>& values);

// Takes the first row, or not_found with this reason and message.
Result<Row> first_row(Result<std::vector<Row>> rows, std::string_view reason, std::string message);

// Success when at least one row was changed, or not_found with this reason and message.
Status changed_row(const Result<std::size_t>& changed, std::string_view reason,
                   std::string message);

// Drops the count.
Status status_of(const Result<std::size_t>& changed);

// Lists of words are kept as a JSON array in one column.
std::string words_to_json(const std::vector<std::string>& words);
std::vector<std::string> words_from_json(const std::string& text);
// Labels likewise, as an object of texts.
std::string labels_to_json(const std::map<std::string, std::string>& labels);
std::map<std::string, std::string> labels_from_json(const std::string& text);

template <class T, class Convert>
Result<std::vector<T>> each_row(Result<std::vector<Row>> rows, Convert convert) {
  if (!rows) return rows.error();
  std::vector<T> items;
  items.reserve(rows->size());
  for (const Row& row : *rows) items.push_back(convert(row));
  return items;
}

}  // namespace rolesync::store
