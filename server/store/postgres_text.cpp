// SPDX-License-Identifier: Apache-2.0
#include "server/store/postgres_text.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <memory>

namespace rolesync::store {
namespace {

Error invalid_address(const std::string& what) {
  return {ErrorKind::invalid, "store_address_invalid", what,
          "write it as postgresql://user@host:5432/database, with the password in a file that "
          "?passfile=/path names"};
}

// Where the quote or comment that begins at `at` ends, or `at` when none begins there.
std::size_t skip_opaque(std::string_view sql, std::size_t at) {
  std::size_t end = at;
  if (sql[at] == '\'' || sql[at] == '"') {
    end = sql.find(sql[at], at + 1);
  } else if (sql.substr(at).starts_with("--")) {
    end = sql.find('\n', at);
  } else {
    return at;
  }
  return end == std::string_view::npos ? sql.size() : end + 1;
}

}  // namespace

std::string with_numbered_places(std::string_view sql) {
  std::string out;
  out.reserve(sql.size() + 16);
  int place = 0;
  for (std::size_t at = 0; at < sql.size();) {
    if (const std::size_t end = skip_opaque(sql, at); end != at) {
      out += sql.substr(at, end - at);
      at = end;
    } else if (sql[at] == '?') {
      out += "$" + std::to_string(++place);
      ++at;
    } else {
      out += sql[at++];
    }
  }
  return out;
}

bool is_postgres_address(std::string_view text) {
  return text.starts_with("postgresql://") || text.starts_with("postgres://");
}

Result<PostgresAddress> parse_postgres_address(const std::string& text) {
  if (!is_postgres_address(text)) {
    return invalid_address("\"" + text + "\" is not an address that begins with postgresql://");
  }
  char* problem = nullptr;
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(
      PQconninfoParse(text.c_str(), &problem), PQconninfoFree);
  const std::unique_ptr<char, void (*)(void*)> said(problem, PQfreemem);
  if (!options) {
    std::string what = problem ? problem : "it is not understood";
    what.erase(std::find(what.begin(), what.end(), '\n'), what.end());
    // Not the address itself: it may hold a password.
    return invalid_address("the address of the database is not valid: " + what);
  }
  PostgresAddress address{text, {}};
  for (const PQconninfoOption* option = options.get(); option->keyword; ++option) {
    if (!option->val) continue;
    const std::string keyword = option->keyword, value = option->val;
    if (keyword == "password") {
      return invalid_address("the address of the database has a password in it");
    }
    if (value.find_first_of(" '\\\t\n") != std::string::npos) {
      return invalid_address("the value of " + keyword +
                             " in the address of the database has a blank or a quote in it");
    }
    address.settings.emplace_back(keyword, value);
  }
  return address;
}

Error postgres_error(std::string_view state, const std::string& what) {
  const std::string message = "the database says: " + what;
  if (state.starts_with("23")) return {ErrorKind::conflict, "constraint", message};
  // Serialization, deadlock, a lock or a statement that took too long.
  if (state.starts_with("40") || state == "55P03" || state == "57014") {
    return {ErrorKind::unavailable, "store_busy", message, "try again"};
  }
  if (state == "53100") {
    return {ErrorKind::unavailable, "disk_full", message, "make room where the database lives"};
  }
  if (state.starts_with("53")) {
    return {ErrorKind::unavailable, "store_busy", message,
            "give the database more connections or memory"};
  }
  if (state.starts_with("57P") || state.starts_with("08") || state == "25P03") {
    return {ErrorKind::unavailable, "store_unreachable", message,
            "check that PostgreSQL runs and can be reached; then try again"};
  }
  if (state == "22021") {
    return {ErrorKind::invalid, "text_not_utf8", message, "send text in UTF-8"};
  }
  if (state.starts_with("XX001") || state.starts_with("XX002")) {
    return {ErrorKind::failed, "store_damaged", message, "restore the database from a backup"};
  }
  return {ErrorKind::failed, "store_failed", message};
}

}  // namespace rolesync::store
