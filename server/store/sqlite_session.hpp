// SPDX-License-Identifier: Apache-2.0
// A Session on one SQLite connection of Poco::Data. Statements are prepared once and used again;
// one that threw is thrown away, because it stays unusable. One thread at a time.
#pragma once
#include <filesystem>
#include <memory>

#include "server/store/session.hpp"

namespace rolesync::store {

enum class SqliteAccess { read_write, read_only };

// Opens a connection with WAL, synchronous=FULL and foreign keys. Errors: store_damaged,
// store_unreadable.
Result<std::unique_ptr<Session>> open_sqlite_session(const std::filesystem::path& file,
                                                     SqliteAccess access);

}  // namespace rolesync::store
