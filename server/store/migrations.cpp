// SPDX-License-Identifier: Apache-2.0
#include "server/store/migrations.hpp"

#include <chrono>
#include <stdexcept>
#include <utility>

#include "server/store/transaction.hpp"

namespace rolesync::store {

const std::vector<std::pair<std::string_view, std::string_view>>& migration_files();  // generated

namespace {

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

Result<int> applied_version(Session& session) {
  const auto rows = session.query("SELECT version FROM schema_version ORDER BY version DESC");
  if (!rows) return rows.error();
  return rows->empty() ? 0 : static_cast<int>(rows->front().integer(0));
}

// In a transaction, because two servers may do this at once.
Status make_version_table(Session& session, std::string_view begin) {
  auto transaction = Transaction::begin(session, begin);
  if (!transaction) return transaction.error();
  const auto made = session.execute(
      "CREATE TABLE IF NOT EXISTS schema_version ("
      "version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)");
  if (!made) return made.error();
  return transaction->commit();
}

Status apply(Session& session, const Migration& migration, std::string_view begin) {
  auto transaction = Transaction::begin(session, begin);
  if (!transaction) return transaction.error();
  const Result<int> applied = applied_version(session);
  if (!applied) return applied.error();
  if (*applied >= migration.version) return {};  // another server was first
  for (const std::string& statement : migration.statements) {
    if (const auto done = session.execute(statement); !done) {
      Error error = done.error();
      error.message = "migration " + migration.name + " failed: " + error.message;
      return error;
    }
  }
  const auto noted =
      session.execute("INSERT INTO schema_version (version, name, applied_at) VALUES (?, ?, ?)",
                      {migration.version, migration.name, now_ms()});
  if (!noted) return noted.error();
  return transaction->commit();
}

}  // namespace

Migration parse_migration(std::string_view file_name, std::string_view text) {
  Migration migration;
  migration.name = file_name.substr(0, file_name.rfind('.'));
  if (file_name.size() < 6 || file_name[4] != '_') {
    throw std::logic_error("a migration is named NNNN_name.sql, not " + std::string(file_name));
  }
  migration.version = std::stoi(std::string(file_name.substr(0, 4)));
  std::string statement;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.starts_with("--")) continue;
    statement += line;
    statement += '\n';
    if (line.ends_with(';')) migration.statements.push_back(std::exchange(statement, {}));
  }
  if (!statement.empty()) throw std::logic_error("no ';' at the end of " + migration.name);
  return migration;
}

std::vector<Migration> embedded_migrations() {
  std::vector<Migration> migrations;
  for (const auto& [name, text] : migration_files()) {
    migrations.push_back(parse_migration(name, text));
    if (migrations.back().version != static_cast<int>(migrations.size())) {
      throw std::logic_error("migrations must be numbered without gaps: " + std::string(name));
    }
  }
  return migrations;
}

Result<int> migrate(Session& session, const std::vector<Migration>& migrations,
                    std::string_view begin) {
  if (Status made = make_version_table(session, begin); !made) return made.error();
  const Result<int> applied = applied_version(session);
  if (!applied) return applied.error();
  const int last = migrations.empty() ? 0 : migrations.back().version;
  if (*applied > last) {
    return Error{ErrorKind::conflict, "store_newer",
                 "the database has schema version " + std::to_string(*applied) +
                     "; this server knows versions up to " + std::to_string(last),
                 "start the newer rolesync-server again, or restore the backup made before it"};
  }
  for (const Migration& migration : migrations) {
    if (migration.version <= *applied) continue;
    if (const Status done = apply(session, migration, begin); !done) return done.error();
  }
  return last;
}

}  // namespace rolesync::store
