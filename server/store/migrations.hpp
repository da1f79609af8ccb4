// SPDX-License-Identifier: Apache-2.0
// The schema's numbered steps (migrations/NNNN_name.sql, embedded), each applied once, in order, in
// a transaction of its own. Called once, while the store is opened.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "server/store/session.hpp"

namespace rolesync::store {

struct Migration {
  int version = 0;
  std::string name;
  std::vector<std::string> statements;
};

// From the embedded files, or from others in tests. A wrong name or number is a
// programming error and throws.
std::vector<Migration> embedded_migrations();
Migration parse_migration(std::string_view file_name, std::string_view text);

// Brings the schema up to the last of `migrations` and returns its version. Errors: store_newer
// when the database knows a version that we do not.
Result<int> migrate(Session& session, const std::vector<Migration>& migrations,
                    std::string_view begin);

}  // namespace rolesync::store
