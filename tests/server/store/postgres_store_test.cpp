// SPDX-License-Identifier: Apache-2.0
// What is PostgreSQL's own: several servers on one database, and a database that is killed.
#include <gmock/gmock.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "server/store/audit.hpp"
#include "server/store/migrations.hpp"
#include "server/store/postgres_session.hpp"
#include "tests/postgresql/test_database.hpp"

namespace rolesync::store {
namespace {

using ::testing::HasSubstr;

// One cluster for all cases here; the last one that runs ends it.
class PostgresStoreTest : public ::testing::Test {
 protected:
  TestCluster cluster_;
  TestDatabase database_{cluster_.directory()};

  std::unique_ptr<Store> open() {
    auto opened = open_postgres({.address = database_.address()});
    if (!opened) throw std::runtime_error(opened.error().text());
    return std::move(*opened);
  }
  static Status note(Session& session, std::int64_t number) {
    return status_of(
        session.execute("INSERT INTO events (sequence, at, kind) VALUES (?, 0, 'test')", {number}));
  }
  static std::int64_t count(Store& store) {
    const auto rows = store.read([](Session& s) { return s.query("SELECT COUNT(*) FROM events"); });
    return rows ? rows->at(0).integer(0) : -1;
  }
};

TEST_F(PostgresStoreTest, ServersThatStartTogetherApplyEachMigrationOnce) {
  std::vector<std::thread> servers;
  std::atomic<int> opened = 0;
  for (int i = 0; i < 6; ++i) {
    servers.emplace_back([&] {
      const auto store = open_postgres({.address = database_.address()});
      if (store) ++opened;
      if (!store) ADD_FAILURE() << store.error().text();
    });
  }
  for (std::thread& server : servers) server.join();
  EXPECT_EQ(opened, 6);
  const auto store = open();
  const auto rows =
      store->read([](Session& s) { return s.query("SELECT COUNT(*) FROM schema_version"); });
  EXPECT_EQ(rows->at(0).integer(0), static_cast<int>(embedded_migrations().size()));
}

TEST_F(PostgresStoreTest, ChangesOfSeveralServersAreOneAfterTheOther) {
  constexpr int each = 60;
  std::vector<std::unique_ptr<Store>> stores;
  for (int i = 0; i < 3; ++i) stores.push_back(open());
  std::vector<std::thread> threads;
  for (auto& store : stores) {
    for (int caller = 0; caller < 3; ++caller) {
      threads.emplace_back([&store] {
        for (int i = 0; i < each; ++i) {
          // Reads what is there and adds to it: two at once would use a number twice.
          const auto done =
              store->write([](Session& s) { return append_audit(s, {.actor = "me"}); });
          if (!done) ADD_FAILURE() << done.error().text();
        }
      });
    }
  }
  for (std::thread& thread : threads) thread.join();
  const auto rows =
      stores[0]->read([](Session& s) { return s.query("SELECT COUNT(*) FROM audit_log"); });
  EXPECT_EQ(rows->at(0).integer(0), 9 * each);
  const auto broken = stores[0]->read([](Session& s) { return check_audit(s); });
  EXPECT_TRUE(broken.ok() && !broken->broken_at);
}

TEST_F(PostgresStoreTest, WordsReachTheOtherServersAfterTheCommitAndOnlyThen) {
  const auto one = open(), two = open();
  std::mutex mutex;
  std::condition_variable heard;
  std::vector<std::string> words, own;
  const auto collect = [&](std::vector<std::string>& into) {
    return [&](const Store::Word& word) {
      const std::lock_guard lock(mutex);
      into.push_back(word.topic + "/" + word.subject);
      heard.notify_all();
    };
  };
  two->listen(collect(words));
  one->listen(collect(own));
  const auto wait_for = [&](const std::string& word) {
    std::unique_lock lock(mutex);
    return heard.wait_for(lock, std::chrono::seconds(30), [&] {
      return std::find(words.begin(), words.end(), word) != words.end();
    });
  };
  ASSERT_TRUE(wait_for("/")) << "the first word is that everything is to be read";
  (void)one->write([](Session& s) -> Status {
    if (Status told = s.tell("node", "n0"); !told) return told;
    return Error{ErrorKind::conflict, "changed_my_mind", "no"};
  });
  ASSERT_TRUE(one->write([](Session& s) { return s.tell("node", "n 1"); }).ok());
  ASSERT_TRUE(wait_for("node/n 1"));
  one->end_listening();
  two->end_listening();
  EXPECT_EQ(std::count(words.begin(), words.end(), "node/n0"), 0);
  EXPECT_EQ(std::count(own.begin(), own.end(), "node/n 1"), 0) << "nobody hears himself";
}

TEST_F(PostgresStoreTest, KeepsEveryCommitOnDiskBeforeItAnswers) {
  const auto store = open();
  const auto setting = [&](const std::string& name) {
    const auto rows = store->write([&](Session& s) { return s.query("SHOW " + name); });
    return rows ? rows->at(0).text(0) : rows.error().text();
  };
  EXPECT_EQ(setting("synchronous_commit"), "on");
  EXPECT_EQ(setting("transaction_isolation"), "read committed");
}

TEST_F(PostgresStoreTest, AStatementThatFailedUnnoticedDoesNotCommitHalfAChange) {
  const auto store = open();
  const Status done = store->write([](Session& s) -> Status {
    (void)note(s, 1);
    (void)note(s, 1);  // fails, and nobody looks
    return {};
  });
  EXPECT_FALSE(done.ok());
  EXPECT_EQ(count(*store), 0);
}

TEST_F(PostgresStoreTest, AServerThatStandsStillInAChangeDoesNotStopTheOthersForEver) {
  const auto one = open();
  const auto address = *parse_postgres_address(database_.address());
  const auto other = open_postgres_session({address, "x"});
  ASSERT_TRUE(other.ok());
  ASSERT_TRUE((*other)->execute("SET idle_in_transaction_session_timeout = '300ms'", {}).ok());
  ASSERT_TRUE((*other)->execute(begin_postgres_change, {}).ok());
  EXPECT_TRUE(one->write([](Session& s) { return note(s, 1); }).ok());
  EXPECT_EQ((*other)->query("SELECT 1", {}).error().reason, "store_unreachable");
  EXPECT_TRUE((*other)->execute(begin_postgres_change, {}).ok()) << "it comes back by itself";
}

TEST_F(PostgresStoreTest, ARestartedDatabaseIsFoundAgain) {
  const auto store = open();
  ASSERT_TRUE(store->write([](Session& s) { return note(s, 1); }).ok());
  EXPECT_EQ(count(*store), 1);
  cluster_.restart();
  EXPECT_EQ(count(*store), 1) << "a read whose connection was lost is done again";
  cluster_.restart();
  const Status written = store->write([](Session& s) { return note(s, 2); });
  EXPECT_TRUE(written.ok()) << written.error().text();
  EXPECT_EQ(count(*store), 2);
}

TEST_F(PostgresStoreTest, AnUnreachableDatabaseIsSaidToBeSo) {
  auto opened =
      open_postgres({.address = database_.address(), .patience = std::chrono::milliseconds(50)});
  ASSERT_TRUE(opened.ok());
  cluster_.kill();
  const Status written = (*opened)->write([](Session& s) { return note(s, 1); });
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().reason, "store_unreachable");
  EXPECT_EQ(written.error().kind, ErrorKind::unavailable);
  const auto again = open_postgres({.address = database_.address()});
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().reason, "store_unreachable");
  cluster_.up();
  const auto nobody = open_postgres({.address = database_.address() + "&user=nobody"});
  ASSERT_FALSE(nobody.ok());
  EXPECT_EQ(nobody.error().reason, "store_access_denied") << nobody.error().text();
}

// kill -9 of the database while eight callers write: what was acknowledged is there, what was
// refused is not, and what is unknown is said to be unknown.
TEST_F(PostgresStoreTest, NothingAcknowledgedIsLostWhenTheDatabaseIsKilledInTheMiddle) {
  const auto store = open();
  std::mutex mutex;
  std::set<std::int64_t> acknowledged, refused, unknown;
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (std::int64_t caller = 0; caller < 8; ++caller) {
    threads.emplace_back([&, caller] {
      for (std::int64_t i = 0; !stop; ++i) {
        const std::int64_t number = caller * 1'000'000 + i;
        const Status done = store->write([&](Session& s) { return note(s, number); });
        const std::lock_guard lock(mutex);
        if (done.ok()) {
          acknowledged.insert(number);
        } else {
          (done.error().reason == "store_outcome_unknown" ? unknown : refused).insert(number);
        }
      }
    });
  }
  const auto wait_for = [&](std::size_t more) {
    std::size_t before = 0;
    const auto size = [&] {
      const std::lock_guard lock(mutex);
      return acknowledged.size();
    };
    before = size();
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (size() < before + more && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_GE(size(), before + more);
  };
  for (int round = 0; round < 4; ++round) {
    wait_for(40);
    if (round % 2 == 0) {
      cluster_.kill();
      cluster_.up();
    } else {
      cluster_.restart();
    }
  }
  wait_for(40);
  stop = true;
  for (std::thread& thread : threads) thread.join();

  std::set<std::int64_t> there;
  const auto rows = store->read([](Session& s) { return s.query("SELECT sequence FROM events"); });
  ASSERT_TRUE(rows.ok()) << rows.error().text();
  for (const Row& row : *rows) there.insert(row.integer(0));
  for (const std::int64_t number : acknowledged) EXPECT_TRUE(there.contains(number)) << "lost";
  for (const std::int64_t number : refused) EXPECT_FALSE(there.contains(number)) << "kept";
  RecordProperty("acknowledged", static_cast<int>(acknowledged.size()));
  RecordProperty("refused", static_cast<int>(refused.size()));
  RecordProperty("unknown", static_cast<int>(unknown.size()));
}

}  // namespace
}  // namespace rolesync::store
