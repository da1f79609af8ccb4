// SPDX-License-Identifier: Apache-2.0
// The connection is Poco's; what runs on it goes to libpq directly, because a statement of Poco
// 1.11 that failed frees its result twice when it goes (docs/decisions/0007).
#include <Poco/Data/PostgreSQL/Connector.h>
#include <Poco/Data/PostgreSQL/SessionHandle.h>
#include <Poco/Data/PostgreSQL/Utility.h>
#include <Poco/Data/Session.h>
#include <libpq-fe.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "server/store/postgres_connection.hpp"

namespace rolesync::store {
namespace {

// So that a peer that is gone is noticed in half a minute, and no write is acknowledged before it
// is on the disk, whatever the cluster's default is. A server that stops in the middle of a change
// must not stop the others for ever.
constexpr const char* settings_of_every_session =
    "SET synchronous_commit = on; SET lock_timeout = '30s'; "
    "SET idle_in_transaction_session_timeout = '30s'; SET standard_conforming_strings = on; "
    "SET client_min_messages = warning; SET datestyle = iso; SET extra_float_digits = 1";

std::string connection_text(const PostgresAddress& address) {
  std::map<std::string, std::string> values = {{"connect_timeout", "5"},
                                               {"keepalives_idle", "10"},
                                               {"keepalives_interval", "5"},
                                               {"keepalives_count", "3"},
                                               {"tcp_user_timeout", "20000"},
                                               {"client_encoding", "UTF8"},
                                               {"application_name", "rolesync-server"}};
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> defaults(PQconndefaults(),
                                                                                PQconninfoFree);
  for (const PQconninfoOption* option = defaults.get(); option && option->keyword; ++option) {
    const std::string keyword = option->keyword;
    if (option->val && (keyword == "user" || keyword == "host" || keyword == "port")) {
      values.emplace(keyword, option->val);
    }
  }
  for (const auto& [keyword, value] : address.settings) values[keyword] = value;
  values.emplace("dbname", values["user"]);
  std::string text;
  for (const auto& [keyword, value] : values) {
    text += (text.empty() ? "" : " ") + keyword + "=" + value;
  }
  return text;
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

Error not_opened(const std::string& said) {
  const std::string message = "cannot connect to PostgreSQL: " + one_line(said);
  const bool denied = said.find("authentication") != std::string::npos ||
                      said.find("no pg_hba.conf entry") != std::string::npos ||
                      said.find("does not exist") != std::string::npos ||
                      said.find("permission denied") != std::string::npos;
  if (denied) {
    return {ErrorKind::failed, "store_access_denied", message,
            "check user, database and password file of `store` in the server's configuration"};
  }
  return {ErrorKind::unavailable, "store_unreachable", message,
          "check that PostgreSQL runs and can be reached; then try again"};
}

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};

class PocoConnection : public PostgresConnection {
 public:
  explicit PocoConnection(Poco::Data::Session session)
      : session_(std::move(session)),
        connection_(*Poco::Data::PostgreSQL::Utility::handle(session_)) {}

  PGconn* handle() override { return connection_; }
  bool lost() override { return broken_ || PQstatus(connection_) != CONNECTION_OK; }

  Error failure(const PGresult* result) override {
    const char* given = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : nullptr;
    const std::string state = given ? given : "";
    const char* primary = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : nullptr;
    const std::string what = one_line(primary ? primary : PQerrorMessage(connection_));
    // An error without a code is libpq's own; the others are the last words of a server process.
    broken_ = broken_ || state.empty() || state.starts_with("57P") || state == "25P03";
    return lost() ? postgres_error("08006", "the connection was lost: " + what)
                  : postgres_error(state, what);
  }

  Result<std::string> run(const std::string& sql) override {
    const std::unique_ptr<PGresult, ClearResult> result(PQexec(connection_, sql.c_str()));
    const ExecStatusType status = PQresultStatus(result.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
      return failure(result.get());
    }
    if (PQntuples(result.get()) > 0) return std::string(PQgetvalue(result.get(), 0, 0));
    return std::string(PQcmdStatus(result.get()));
  }

 private:
  Poco::Data::Session session_;
  PGconn* connection_;
  bool broken_ = false;
};

}  // namespace

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::open(
    const PostgresAddress& address) {
  static std::once_flag registered;
  std::call_once(registered, [] { Poco::Data::PostgreSQL::Connector::registerConnector(); });
  try {
    Poco::Data::Session session("PostgreSQL", connection_text(address));
    auto connection = std::make_unique<PocoConnection>(std::move(session));
    if (const auto set = connection->run(settings_of_every_session); !set) return set.error();
    return std::unique_ptr<PostgresConnection>(std::move(connection));
  } catch (const Poco::Exception& problem) {
    return not_opened(problem.displayText());
  }
}

}  // namespace rolesync::store
