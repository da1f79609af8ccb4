// SPDX-License-Identifier: Apache-2.0
// What is text about PostgreSQL: placeholders, addresses, the meaning of its error codes. Pure.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/values/result.hpp"

namespace rolesync::store {

// `?` becomes $1, $2 ... outside of quotes and comments.
std::string with_numbered_places(std::string_view sql);

// Where a PostgreSQL database is: postgresql://user@host:port/database?option=value as libpq
// understands it, but for a password, which stands in a file (?passfile=...) or comes from
// PGPASSWORD, so that no address is a secret. Errors: invalid/store_address_invalid.
struct PostgresAddress {
  std::string text;                                           // as given
  std::vector<std::pair<std::string, std::string>> settings;  // libpq's keywords
};
Result<PostgresAddress> parse_postgres_address(const std::string& text);
bool is_postgres_address(std::string_view text);

// An error of the database by its five characters (SQLSTATE), with what the database says.
Error postgres_error(std::string_view state, const std::string& what);

}  // namespace rolesync::store
