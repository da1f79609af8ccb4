// SPDX-License-Identifier: Apache-2.0
// The way from SQLite to PostgreSQL.
#include <gmock/gmock.h>

#include "server/store/backup.hpp"
#include "tests/server/store/filled_store.hpp"
#include "tests/server/store/temporary_store.hpp"

namespace rolesync::store {
namespace {

using ::testing::HasSubstr;

TEST(PostgresMigrate, ASqliteStoreMovesToPostgresqlAndGoesOnAfterAnInterruption) {
  constexpr int nodes = 2'300;  // several portions
  const TemporaryDirectory directory;
  const std::filesystem::path file = directory.path() / "sqlite.db";
  const StoreLocation from{"sqlite", file};
  const TestCluster cluster;
  const TestDatabase target(cluster.directory());
  {
    const auto sqlite = open_sqlite({.file = file});
    ASSERT_TRUE(sqlite.ok());
    fill(**sqlite, nodes);
    EXPECT_EQ(migrate_store(from, target.address(), {}).error().reason, "store_in_use");
  }
  struct Interrupted {};
  try {
    (void)migrate_store(from, target.address(), [](const CopiedTable& table) {
      if (table.name == "plans") throw Interrupted();
    });
    FAIL() << "not interrupted";
  } catch (const Interrupted&) {
  }
  {
    const auto half = open_postgres({.address = target.address()});
    EXPECT_THAT(*unfinished_copy(**half), HasSubstr("sqlite.db"));
    // As if it had ended in the middle of a table.
    const auto cut = (*half)->write(
        [](Session& s) { return s.execute("DELETE FROM nodes WHERE id LIKE 'n2%'"); });
    ASSERT_TRUE(cut.ok());
  }
  std::size_t were_there = 0;
  const auto moved = migrate_store(from, target.address(), [&](const CopiedTable& table) {
    if (table.was_there && table.rows > 0) ++were_there;
  });
  ASSERT_TRUE(moved.ok()) << moved.error().text();
  EXPECT_GE(were_there, 1u);
  {
    const auto store = open_postgres({.address = target.address()});
    EXPECT_EQ(*unfinished_copy(**store), "");
    expect_filled(**store, nodes);
  }
  EXPECT_EQ(migrate_store(from, target.address(), {}).error().reason, "target_not_empty");
  EXPECT_EQ(migrate_store({target.address(), {}}, target.address(), {}).error().reason,
            "store_not_sqlite");
}

}  // namespace
}  // namespace rolesync::store
