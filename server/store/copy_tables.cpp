// SPDX-License-Identifier: Apache-2.0
#include "server/store/copy_tables.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "host/values/hash.hpp"
#include "server/store/migrations.hpp"
#include "server/store/server_leases.hpp"

namespace rolesync::store {
namespace {

constexpr int rows_at_once = 1'000;
constexpr const char* mark = "copy";  // the lease that stands for an unfinished copy

struct Column {
  std::string name;
  bool number = false;
  int key = 0;  // its place in the primary key, from 1
};

struct Table {
  std::string name;
  std::vector<Column> columns;
};

// What stands after these words at the beginning of the migrations' statements.
std::vector<std::string> named_after(std::string_view words) {
  std::vector<std::string> names;
  for (const Migration& migration : embedded_migrations()) {
    for (const std::string& statement : migration.statements) {
      if (!statement.starts_with(words)) continue;
      const std::size_t end = statement.find_first_of(" (", words.size());
      names.push_back(statement.substr(words.size(), end - words.size()));
    }
  }
  return names;
}

// In the order in which the migrations make them: a table comes after those that it refers to.
std::vector<std::string> table_names() {
  std::vector<std::string> names = named_after("CREATE TABLE ");
  std::erase(names, "server_leases");  // of running servers
  return names;
}

Result<std::vector<Table>> describe(Store& sqlite) {
  return sqlite.read([](Session& session) -> Result<std::vector<Table>> {
    std::vector<Table> tables;
    for (const std::string& name : table_names()) {
      auto columns = each_row<Column>(
          session.query("SELECT name, type, pk FROM pragma_table_info(?) ORDER BY cid", {name}),
          [](const Row& row) {
            return Column{row.text(0), row.text(1) == "BIGINT", static_cast<int>(row.integer(2))};
          });
      if (!columns) return columns.error();
      if (!columns->empty()) tables.push_back({name, std::move(*columns)});
    }
    return tables;
  });
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::vector<std::string> names_of(const Table& table) {
  std::vector<std::string> names;
  for (const Column& column : table.columns) names.push_back(column.name);
  return names;
}

std::vector<std::string> key_of(const Table& table) {
  std::vector<Column> key;
  std::copy_if(table.columns.begin(), table.columns.end(), std::back_inserter(key),
               [](const Column& column) { return column.key > 0; });
  std::sort(key.begin(), key.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  return names_of({"", key});
}

std::string insert_of(const Table& table) {
  std::vector<std::string> places(table.columns.size(), "?"), sets;
  for (const Column& column : table.columns) {
    if (column.key == 0) sets.push_back(column.name + " = excluded." + column.name);
  }
  return "INSERT INTO " + table.name + " (" + joined(names_of(table)) + ") VALUES (" +
         joined(places) + ") ON CONFLICT (" + joined(key_of(table)) + ") DO " +
         (sets.empty() ? "NOTHING" : "UPDATE SET " + joined(sets));
}

std::vector<Value> values_of(const Table& table, const Row& row) {
  std::vector<Value> values;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (row.is_null(i)) {
      values.emplace_back(nullptr);
    } else if (table.columns[i].number) {
      values.emplace_back(row.integer(i));
    } else {
      values.emplace_back(row.text(i));
    }
  }
  return values;
}

// Rows have keys, so none is there twice and their order need not count: databases sort texts
// differently.
class Digest {
 public:
  void add(const Table& table, const Row& row) {
    std::string text;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      const std::string field = row.text(i);
      text += row.is_null(i) ? "-" : std::to_string(field.size()) + ":" + field;
      text += '\n';
    }
    const std::string hash = sha256_hex(text);
    for (std::size_t i = 0; i < sum_.size(); ++i) {
      sum_[i] = static_cast<char>(sum_[i] ^ nibble(hash[i]));
    }
    ++rows_;
  }
  std::uint64_t rows() const { return rows_; }
  std::string text() const {
    std::string hex;
    for (const char each : sum_) hex += "0123456789abcdef"[static_cast<unsigned char>(each)];
    return hex;
  }

 private:
  static int nibble(char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; }
  std::array<char, 64> sum_{};
  std::uint64_t rows_ = 0;
};

// All rows of a table as they are in this session's snapshot, some at a time.
Result<Digest> read_rows(Session& session, const Table& table,
                         const std::function<Status(const std::vector<Row>&)>& take) {
  Digest digest;
  const std::string select = "SELECT " + joined(names_of(table)) + " FROM " + table.name +
                             " ORDER BY " + joined(key_of(table)) + " LIMIT ? OFFSET ?";
  for (std::int64_t offset = 0;; offset += rows_at_once) {
    const auto rows = session.query(select, {rows_at_once, offset});
    if (!rows) return rows.error();
    for (const Row& row : *rows) digest.add(table, row);
    if (take && !rows->empty()) {
      if (Status taken = take(*rows); !taken) return taken.error();
    }
    if (rows->size() < rows_at_once) return digest;
  }
}

Result<Digest> digest_of(Store& store, const Table& table) {
  return store.read([&](Session& session) { return read_rows(session, table, {}); });
}

Status write_rows(Store& to, const Table& table, const std::vector<Row>& rows) {
  const std::string insert = insert_of(table);
  return to.write([&](Session& session) -> Status {
    for (const Row& row : rows) {
      if (const auto done = session.execute(insert, values_of(table, row)); !done) {
        return done.error();
      }
    }
    return {};
  });
}

Result<CopiedTable> copy_one(Session& from, Store& to, const Table& table) {
  const auto source = read_rows(from, table, {});
  if (!source) return source.error();
  auto target = digest_of(to, table);
  if (!target) return target.error();
  const bool was_there = target->text() == source->text();
  if (!was_there) {
    const auto copied = read_rows(
        from, table, [&](const std::vector<Row>& rows) { return write_rows(to, table, rows); });
    if (!copied) return copied.error();
    target = digest_of(to, table);
    if (!target) return target.error();
  }
  if (target->rows() != source->rows() || target->text() != source->text()) {
    return Error{ErrorKind::failed, "copy_differs",
                 "table " + table.name + " has " + std::to_string(target->rows()) +
                     " rows in the copy and " + std::to_string(source->rows()) +
                     " in the original, or other ones",
                 "empty the target and copy again, while nobody else writes to it"};
  }
  return CopiedTable{table.name, source->rows(), source->text(), was_there};
}

// Marks the target as one that is being filled, if it is empty or was marked by the same source.
Status claim_target(const CopyOptions& options, const std::vector<Table>& tables) {
  return options.to.write([&](Session& session) -> Status {
    const auto marked = find_server_lease(session, mark);
    if (!marked) return marked.error();
    if (*marked && (*marked)->owner == options.from_name) return {};
    const auto filled = named_after("INSERT INTO ");  // an empty database has rows there, too
    for (const Table& table : tables) {
      if (std::find(filled.begin(), filled.end(), table.name) != filled.end()) continue;
      const auto rows = session.query("SELECT 1 FROM " + table.name + " LIMIT 1");
      if (!rows) return rows.error();
      if (rows->empty() && !*marked) continue;
      return Error{ErrorKind::conflict, "target_not_empty",
                   *marked ? "the target holds an unfinished copy from " + (*marked)->owner
                           : "the target has rows in table " + table.name,
                   "copy into an empty database"};
    }
    const auto made = take_server_lease(session, mark, options.from_name, std::nullopt);
    return made ? Status{} : Status{made.error()};
  });
}

}  // namespace

Result<std::vector<CopiedTable>> copy_tables(const CopyOptions& options) {
  const auto tables = describe(options.described);
  if (!tables) return tables.error();
  if (Status claimed = claim_target(options, *tables); !claimed) return claimed.error();
  auto copied = options.from.read([&](Session& from) -> Result<std::vector<CopiedTable>> {
    std::vector<CopiedTable> done;
    for (const Table& table : *tables) {
      auto one = copy_one(from, options.to, table);
      if (!one) return one.error();
      if (options.done) options.done(*one);
      done.push_back(std::move(*one));
    }
    return done;
  });
  if (!copied) return copied;
  const Status finished = options.to.write([](Session& session) {
    return status_of(session.execute("DELETE FROM server_leases WHERE name = ?", {mark}));
  });
  if (!finished) return finished.error();
  return copied;
}

Result<std::string> unfinished_copy(Store& store) {
  const auto marked = store.read([](Session& s) { return find_server_lease(s, mark); });
  if (!marked) return marked.error();
  return *marked ? (*marked)->owner : std::string();
}

}  // namespace rolesync::store
