// SPDX-License-Identifier: Apache-2.0
// Opening, migrating, and what write() and read() promise.
#include "server/store/store.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "server/store/migrations.hpp"
#include "tests/server/store/temporary_store.hpp"

namespace rolesync::store {
namespace {

using ::testing::HasSubstr;

Status insert(Session& session, int key, const std::string& text) {
  return status_of(
      session.execute("INSERT INTO numbers (number, text) VALUES (?, ?)", {key, text}));
}

class WriteTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    const auto made = store().write([](Session& s) -> Status {
      return status_of(s.execute(
          "CREATE TABLE numbers (number BIGINT PRIMARY KEY, text TEXT, real DOUBLE PRECISION)"));
    });
    ASSERT_TRUE(made.ok()) << made.error().text();
  }
  std::int64_t count() {
    auto rows = store().read([](Session& s) { return s.query("SELECT COUNT(*) FROM numbers"); });
    EXPECT_TRUE(rows.ok());
    return rows->at(0).integer(0);
  }
};

TEST_F(StoreTest, StartsEmptyAtTheLastVersionAndReopens) {
  EXPECT_EQ(store().schema_version(), embedded_migrations().back().version);
  reopen();
  const auto rows =
      store().read([](Session& s) { return s.query("SELECT COUNT(*) FROM schema_version"); });
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ(rows->at(0).integer(0), static_cast<int>(embedded_migrations().size()));
}

TEST_F(StoreTest, ADatabaseOfANewerVersionIsRefusedUntouched) {
  const auto done = store().write([](Session& s) -> Status {
    return status_of(s.execute(
        "INSERT INTO schema_version (version, name, applied_at) VALUES (9999, 'future', 0)"));
  });
  ASSERT_TRUE(done.ok());
  store_.reset();
  const auto opened = place().open();
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().reason, "store_newer");
  EXPECT_THAT(opened.error().message, HasSubstr("9999"));
}

TEST(Migration, SplitsStatementsAtSemicolonsThatEndALine) {
  const Migration migration =
      parse_migration("0007_some_name.sql",
                      "-- words\nCREATE TABLE a (\n  x TEXT DEFAULT ';'\n);\n\nDROP TABLE b;\n");
  EXPECT_EQ(migration.version, 7);
  EXPECT_EQ(migration.name, "0007_some_name");
  ASSERT_EQ(migration.statements.size(), 2u);
  EXPECT_THAT(migration.statements[0], HasSubstr("DEFAULT ';'"));
  EXPECT_THROW(parse_migration("7_name.sql", ""), std::logic_error);
  EXPECT_THROW(parse_migration("0007_name.sql", "DROP TABLE b"), std::logic_error);
}

TEST_F(WriteTest, ValuesComeBackAsTheyWere) {
  const std::string text = "quote ' \" newline \n emoji \xF0\x9F\x9A\x80 ? $1 %d";
  const std::int64_t big = INT64_MAX;
  ASSERT_TRUE(store().write([&](Session& s) { return insert(s, 1, text); }).ok());
  ASSERT_TRUE(store().write([&](Session& s) { return insert(s, 2, ""); }).ok());
  ASSERT_TRUE(store()
                  .write([&](Session& s) -> Status {
                    return status_of(
                        s.execute("INSERT INTO numbers (number, text, real) VALUES (?, ?, ?)",
                                  {big, nullptr, 1.5}));
                  })
                  .ok());
  const auto rows = store().read(
      [](Session& s) { return s.query("SELECT number, text, real FROM numbers ORDER BY number"); });
  ASSERT_TRUE(rows.ok()) << rows.error().text();
  ASSERT_EQ(rows->size(), 3u);
  EXPECT_EQ(rows->at(0).text(1), text);
  EXPECT_TRUE(rows->at(0).is_null(2));
  EXPECT_FALSE(rows->at(1).is_null(1));
  EXPECT_EQ(rows->at(1).text(1), "");
  EXPECT_EQ(rows->at(2).integer(0), big);
  EXPECT_TRUE(rows->at(2).is_null(1));
  EXPECT_EQ(rows->at(2).text(2), "1.5");
}

TEST_F(WriteTest, AQueryThatIsUsedAgainAnswersForItsNewValues) {
  const auto written = store().write([](Session& s) -> Status {
    for (int key : {1, 2, 3}) {
      if (Status each = insert(s, key, "t" + std::to_string(key)); !each) return each;
    }
    return {};
  });
  ASSERT_TRUE(written.ok());
  const auto read = store().read([](Session& s) -> Status {
    const auto from = [&](int least) {
      return s.query("SELECT number, text FROM numbers WHERE number >= ? ORDER BY number", {least});
    };
    for (const auto& [least, rows] : {std::pair{2, 2U}, {1, 3U}, {9, 0U}, {3, 1U}}) {
      const auto found = from(least);
      EXPECT_TRUE(found.ok() && found->size() == rows) << least;
      if (rows == 0) continue;
      EXPECT_EQ(found->at(0).text(1), "t" + std::to_string(least));
    }
    return {};
  });
  EXPECT_TRUE(read.ok());
}

TEST_F(WriteTest, TextWithANulIsRefusedNotCut) {
  const auto done = store().write([](Session& s) { return insert(s, 1, std::string("a\0b", 3)); });
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().reason, "text_has_nul");
  EXPECT_EQ(count(), 0);
}

TEST_F(WriteTest, ReusedStatementsCountTheRowsTheyChanged) {
  const auto changed = [&](int number) {
    const auto done = store().write([&](Session& s) {
      return s.execute("UPDATE numbers SET text = ? WHERE number = ?", {"new", number});
    });
    return done.ok() ? static_cast<int>(*done) : -1;
  };
  ASSERT_TRUE(store().write([](Session& s) { return insert(s, 1, "one"); }).ok());
  EXPECT_EQ(changed(1), 1);
  EXPECT_EQ(changed(2), 0);
  EXPECT_EQ(changed(1), 1);
}

TEST_F(WriteTest, AStatementThatFailedWorksAgain) {
  ASSERT_TRUE(store().write([](Session& s) { return insert(s, 1, "one"); }).ok());
  const auto twice = store().write([](Session& s) { return insert(s, 1, "again"); });
  ASSERT_FALSE(twice.ok());
  EXPECT_EQ(twice.error().reason, "constraint");
  EXPECT_EQ(twice.error().kind, ErrorKind::conflict);
  EXPECT_TRUE(store().write([](Session& s) { return insert(s, 2, "two"); }).ok());
  EXPECT_EQ(count(), 2);
}

TEST_F(WriteTest, AFailedChangeLeavesNothingAndAThrowingOneNeither) {
  const auto failed = store().write([](Session& s) -> Status {
    (void)insert(s, 1, "one");
    return Error{ErrorKind::conflict, "changed_my_mind", "no"};
  });
  EXPECT_EQ(failed.error().reason, "changed_my_mind");
  const auto thrown = store().write([](Session& s) -> Status {
    (void)insert(s, 2, "two");
    throw std::runtime_error("surprise");
  });
  EXPECT_EQ(thrown.error().reason, "store_failed");
  EXPECT_THAT(thrown.error().message, HasSubstr("surprise"));
  EXPECT_EQ(count(), 0);
}

TEST_F(WriteTest, AWriteInsideAWriteIsRefusedInsteadOfWaitingForEver) {
  const auto done = store().write([&](Session&) -> Status {
    return store().write([](Session& s) { return insert(s, 1, "inner"); });
  });
  EXPECT_EQ(done.error().reason, "nested_write");
}

TEST_F(WriteTest, AReaderCannotWrite) {
  const auto done = store().read([](Session& s) { return insert(s, 1, "one"); });
  EXPECT_FALSE(done.ok());
  EXPECT_EQ(count(), 0);
}

TEST_F(WriteTest, AReaderSeesOneStateWhileOthersWrite) {
  ASSERT_TRUE(store().write([](Session& s) { return insert(s, 1, "one"); }).ok());
  const auto seen = store().read([&](Session& s) -> Result<std::pair<int, int>> {
    const auto before = s.query("SELECT COUNT(*) FROM numbers");
    EXPECT_TRUE(store().write([](Session& w) { return insert(w, 2, "two"); }).ok());
    const auto after = s.query("SELECT COUNT(*) FROM numbers");
    return std::pair<int, int>(before->at(0).integer(0), after->at(0).integer(0));
  });
  ASSERT_TRUE(seen.ok());
  EXPECT_EQ(*seen, (std::pair<int, int>(1, 1)));
  EXPECT_EQ(count(), 2);
}

// A change that holds the writer until everybody else stands in the queue.
class Gate {
 public:
  void wait_until_open() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return open_; });
  }
  void open() {
    {
      const std::lock_guard lock(mutex_);
      open_ = true;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

TEST_F(WriteTest, CallersThatWaitTogetherShareACommitAndAFailureIsTheirOwn) {
  constexpr int callers = 24;
  const StoreCounters before = store().counters();
  Gate gate;
  std::atomic<bool> writer_held = false;
  std::thread holder([&] {
    EXPECT_TRUE(store()
                    .write([&](Session& s) -> Status {
                      writer_held = true;
                      gate.wait_until_open();
                      return insert(s, 1000, "holder");
                    })
                    .ok());
  });
  while (!writer_held) std::this_thread::yield();

  std::atomic<int> waiting = 0, succeeded = 0, failed = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < callers; ++i) {
    threads.emplace_back([&, i] {
      ++waiting;
      const Status done = store().write([&](Session& s) -> Status {
        if (const Status first = insert(s, i, "text"); !first) return first;
        if (i % 3 == 0) return insert(s, i, "the same key again");
        return {};
      });
      ++(done.ok() ? succeeded : failed);
    });
  }
  while (waiting < callers) std::this_thread::yield();
  gate.open();
  holder.join();
  for (std::thread& thread : threads) thread.join();

  const StoreCounters after = store().counters();
  EXPECT_EQ(after.writes - before.writes, callers + 1u);
  EXPECT_LT(after.commits - before.commits, (callers + 1u) / 2);
  EXPECT_EQ(failed, callers / 3);
  EXPECT_EQ(succeeded, callers - callers / 3);
  EXPECT_EQ(count(), succeeded + 1);
}

}  // namespace
}  // namespace rolesync::store
