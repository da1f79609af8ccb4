// SPDX-License-Identifier: Apache-2.0
#include "tests/postgresql/test_database.hpp"

#include <stdlib.h>

#include <fstream>
#include <iterator>
#include <stdexcept>

#include "host/process/child.hpp"
#include "host/values/secret.hpp"
#include "server/store/postgres_connection.hpp"
#include "tests/place.hpp"

namespace rolesync::store {
namespace {

void run_on(const std::string& address, const std::string& sql) {
  const auto parsed = parse_postgres_address(address);
  if (!parsed) throw std::runtime_error(parsed.error().text());
  const auto connection = PostgresConnection::open(*parsed);
  if (!connection) throw std::runtime_error(connection.error().text());
  const auto done = (*connection)->run(sql);
  if (!done) throw std::runtime_error(sql + ": " + done.error().text());
}

std::filesystem::path make_directory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "rolesync-pg-XXXXXX").string();
  if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp");
  return pattern;
}

}  // namespace

bool on_postgresql() {
  const char* store = ::getenv("ROLESYNC_TEST_STORE");
  return store && std::string(store) == "postgresql";
}

std::filesystem::path shared_cluster() {
  return ROLESYNC_TEST_CLUSTER;
}

TestDatabase::TestDatabase(std::filesystem::path cluster)
    : cluster_(std::move(cluster)), name_("t_" + random_hex(8)) {
  run_on(address_of("postgres"), "CREATE DATABASE " + name_ + " TEMPLATE template0");
}

TestDatabase::~TestDatabase() {
  try {
    run_on(address_of("postgres"), "DROP DATABASE " + name_ + " WITH (FORCE)");
  } catch (const std::exception&) {  // its cluster is gone as well
  }
}

std::string TestDatabase::address_of(const std::string& database) const {
  std::ifstream file(cluster_ / "url");
  std::string url{std::istreambuf_iterator<char>(file), {}};
  const std::size_t at = url.find("DATABASE");
  if (at == std::string::npos) {
    throw std::runtime_error("there is no PostgreSQL: tests/postgresql/cluster.py start " +
                             cluster_.string());
  }
  return url.replace(at, 8, database);
}

TestCluster::TestCluster() : directory_(make_directory()) {
  run("start");
}

TestCluster::~TestCluster() {
  try {
    run("stop");
  } catch (const std::exception&) {
  }
}

void TestCluster::kill() const {
  run("kill");
}
void TestCluster::up() const {
  run("up");
}
void TestCluster::restart() const {
  run("restart");
}

void TestCluster::run(const std::string& verb) const {
  ChildSpec spec;
  spec.argv = {"python3", source_directory() + "/tests/postgresql/cluster.py", verb,
               directory_.string()};
  if (verb == "start") spec.argv.emplace_back("--durable");
  spec.environment = {{"PATH", ::getenv("PATH")}};
  const auto done = run_child(spec);
  if (!done || !done->succeeded()) {
    throw std::runtime_error("cluster.py " + verb + ": " +
                             (done ? done->errors : done.error().text()));
  }
}

StorePlace::StorePlace(const std::filesystem::path& directory) : file_(directory / "store.db") {
  if (on_postgresql()) database_ = std::make_unique<TestDatabase>();
}

Result<std::unique_ptr<Store>> StorePlace::open() const {
  if (!database_) return open_sqlite({.file = file_});
  return open_postgres({.address = database_->address()});
}

}  // namespace rolesync::store
