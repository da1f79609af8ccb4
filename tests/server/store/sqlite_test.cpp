// SPDX-License-Identifier: Apache-2.0
// What is SQLite's own: its files, its lock, its settings.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "server/store/migrations.hpp"
#include "server/store/sqlite_session.hpp"
#include "tests/server/store/temporary_store.hpp"

namespace rolesync::store {
namespace {

using ::testing::HasSubstr;

class SqliteStoreTest : public StoreTest {};

TEST_F(SqliteStoreTest, TheFilesAreForTheOwnerOnly) {
  for (const char* suffix : {"", "-wal", ".lock"}) {
    struct stat found {};
    ASSERT_EQ(::stat((file().string() + suffix).c_str(), &found), 0) << suffix;
    EXPECT_EQ(found.st_mode & 0777, 0600u) << suffix;
  }
}

TEST_F(SqliteStoreTest, KeepsEveryCommitOnDiskBeforeItAnswers) {
  const auto pragma = [&](const char* name) {
    auto rows = store().write([&](Session& s) { return s.query(std::string("PRAGMA ") + name); });
    return rows.ok() ? rows->at(0).text(0) : rows.error().text();
  };
  EXPECT_EQ(pragma("journal_mode"), "wal");
  EXPECT_EQ(pragma("synchronous"), "2");
  EXPECT_EQ(pragma("foreign_keys"), "1");
}

TEST_F(SqliteStoreTest, ASecondServerIsRefused) {
  const auto second = open_sqlite({.file = file()});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().reason, "store_in_use");
  EXPECT_EQ(second.error().kind, ErrorKind::conflict);
  store_.reset();
  EXPECT_TRUE(open_sqlite({.file = file()}).ok());
}

TEST_F(SqliteStoreTest, AFileThatIsNoDatabaseIsRefused) {
  store_.reset();
  for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(file().string() + suffix);
  std::filesystem::resize_file(file(), 0);
  {
    std::FILE* out = std::fopen(file().c_str(), "w");
    for (int i = 0; i < 1000; ++i) std::fputs("this is not a database\n", out);
    std::fclose(out);
  }
  const auto opened = open_sqlite({.file = file()});
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().reason, "store_damaged") << opened.error().text();
}

TEST(SqliteMigration, AFailingStepLeavesNothingBehind) {
  const TemporaryDirectory directory;
  auto session = open_sqlite_session(directory.path() / "x.db", SqliteAccess::read_write);
  ASSERT_TRUE(session.ok());
  const std::vector<Migration> steps = {
      parse_migration("0001_good.sql", "CREATE TABLE good (x BIGINT);\n"),
      parse_migration("0002_bad.sql", "CREATE TABLE half (x BIGINT);\nCREATE TABEL no;\n")};
  const auto failed = migrate(**session, steps, "BEGIN IMMEDIATE");
  ASSERT_FALSE(failed.ok());
  EXPECT_THAT(failed.error().message, HasSubstr("0002_bad"));
  EXPECT_TRUE((*session)->query("SELECT * FROM good").ok());
  EXPECT_FALSE((*session)->query("SELECT * FROM half").ok());
  const auto again = migrate(**session, {steps[0]}, "BEGIN IMMEDIATE");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*again, 1);
}

}  // namespace
}  // namespace rolesync::store
