// SPDX-License-Identifier: Apache-2.0
// Backups of a store, of one kind for both databases: a SQLite file with all tables. Making one
// disturbs no running server; putting one back needs a store that nobody uses.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "server/store/copy_tables.hpp"
#include "server/store/store.hpp"

namespace rolesync::store {

// Where a store is: the server's setting and, for SQLite, the file.
struct StoreLocation {
  std::string setting = "sqlite";
  std::filesystem::path file;
};

// Writes `backup`, which must not exist; it is complete and on the disk, or not there. Errors:
// conflict/backup_exists, conflict/store_other_version, failed/store_damaged ...
Status back_up(const StoreLocation& store, const std::filesystem::path& backup);

// Puts a backup in the place of the store: of a SQLite file, which is kept beside as
// <file>.before-restore; or into an empty PostgreSQL database. Errors: not_found/backup_missing,
// failed/backup_damaged, conflict/store_in_use, store_newer, target_not_empty.
Status restore(const StoreLocation& store, const std::filesystem::path& backup);

// Moves from SQLite to PostgreSQL; the file stays as it is. May be repeated after an interruption.
Result<std::vector<CopiedTable>> migrate_store(const StoreLocation& from, const std::string& to,
                                               std::function<void(const CopiedTable&)> done);

}  // namespace rolesync::store
