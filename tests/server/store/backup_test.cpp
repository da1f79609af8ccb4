// SPDX-License-Identifier: Apache-2.0
// Backup and restore of the database that this run is about.
#include "server/store/backup.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "server/store/audit.hpp"
#include "server/store/events.hpp"
#include "server/store/nodes.hpp"
#include "tests/server/store/filled_store.hpp"
#include "tests/server/store/temporary_store.hpp"

namespace rolesync::store {
namespace {

class BackupTest : public StoreTest {
 protected:
  StoreLocation location() const {
    return {place().address().empty() ? "sqlite" : place().address(), place().file()};
  }
  std::filesystem::path backup() const { return directory_.path() / "a backup's file"; }
};

TEST_F(BackupTest, ABackupOfARunningStoreIsPutBack) {
  fill(store(), 7);
  ASSERT_TRUE(back_up(location(), backup()).ok());
  struct stat found {};
  ASSERT_EQ(::stat(backup().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
  EXPECT_EQ(back_up(location(), backup()).error().reason, "backup_exists");
  ASSERT_TRUE(store().write([](Session& s) { return delete_node(s, "n5", 1); }).ok());

  if (!on_postgresql()) {
    EXPECT_EQ(restore(location(), backup()).error().reason, "store_in_use");
    store_.reset();
    const Status restored = restore(location(), backup());
    ASSERT_TRUE(restored.ok()) << restored.error().text();
    reopen();
    expect_filled(store(), 7);
    auto before = open_sqlite({.file = place().file().string() + ".before-restore"});
    ASSERT_TRUE(before.ok()) << before.error().text();
    EXPECT_EQ((*before)->read([](Session& s) { return list_nodes(s); })->size(), 6u);
    return;
  }
  EXPECT_EQ(restore(location(), backup()).error().reason, "target_not_empty");
  const TestDatabase other;
  const Status restored = restore({other.address(), {}}, backup());
  ASSERT_TRUE(restored.ok()) << restored.error().text();
  const auto opened = open_postgres({.address = other.address()});
  ASSERT_TRUE(opened.ok()) << opened.error().text();
  EXPECT_EQ(*unfinished_copy(**opened), "");
  expect_filled(**opened, 7);
}

TEST_F(BackupTest, ABackupIsOneMomentWhileOthersWrite) {
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    while (!stop) {
      // Always both or none.
      const auto done = store().write([](Session& s) -> Status {
        if (const auto st = append_audit(s, {.actor = "me"}); !st) return st.error();
        if (const auto st = append_event(s, {.kind = "k"}); !st) return st.error();
        return {};
      });
      EXPECT_TRUE(done.ok());
    }
  });
  const auto written = [&] { return *store().read([](Session& s) { return last_event(s); }); };
  for (int i = 0; i < 3; ++i) {
    const auto before = written();
    while (written() < before + 20) std::this_thread::yield();
    const auto file = directory_.path() / ("backup" + std::to_string(i));
    const Status done = back_up(location(), file);
    ASSERT_TRUE(done.ok()) << done.error().text();
    const auto copy = open_sqlite({.file = file});
    ASSERT_TRUE(copy.ok());
    const auto rows = (*copy)->read([](Session& s) {
      return s.query("SELECT (SELECT COUNT(*) FROM events), (SELECT COUNT(*) FROM audit_log)");
    });
    EXPECT_EQ(rows->at(0).integer(0), rows->at(0).integer(1));
    EXPECT_GE(rows->at(0).integer(0), before + 20);
  }
  stop = true;
  writer.join();
}

TEST_F(BackupTest, WhatIsNoBackupChangesNothing) {
  fill(store(), 2);
  store_.reset();
  EXPECT_EQ(restore(location(), directory_.path() / "nowhere").error().reason, "backup_missing");
  std::ofstream(backup()) << std::string(9'000, 'x');
  EXPECT_EQ(restore(location(), backup()).error().reason, "backup_damaged");
  reopen();
  expect_filled(store(), 2);
}

}  // namespace
}  // namespace rolesync::store
