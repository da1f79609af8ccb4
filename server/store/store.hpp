// SPDX-License-Identifier: Apache-2.0
// The database behind the server. A change is handed in as a function; one writer thread runs the
// waiting functions, each in a savepoint, commits them together and only then lets the callers go:
// what write() answered with success survives power loss. Any thread may call.
//
//   auto node = store.read([&](store::Session& s) { return store::find_node(s, id); });
//   Status done = store.write([&](store::Session& s) -> Status { ... });
#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "server/store/session.hpp"

namespace rolesync::store {

// Counted since the store was opened.
struct StoreCounters {
  std::uint64_t writes = 0;   // functions run by the writer
  std::uint64_t commits = 0;  // transactions that held them
  std::uint64_t reads = 0;
};

class Store {
 public:
  virtual ~Store() = default;

  // Runs `work(Session&)`, which returns a Status or a Result<T>, once, on the writer thread, and
  // returns after COMMIT. When it answers with an error (or throws) nothing it did is kept, and
  // nobody else's change is touched. Do not call write() from inside (reason nested_write), and do
  // not wait for anything slow there: everybody's changes wait too.
  template <class Work>
  auto write(Work&& work) -> std::invoke_result_t<Work&, Session&> {
    return run<std::invoke_result_t<Work&, Session&>>(work, &Store::run_write);
  }

  // Runs `work(Session&)` on the caller's thread with a pooled session, in one read transaction.
  template <class Work>
  auto read(Work&& work) -> std::invoke_result_t<Work&, Session&> {
    return run<std::invoke_result_t<Work&, Session&>>(work, &Store::run_read);
  }

  // What other servers on the same database tell (Session::tell). `topic` is empty when something
  // may have been missed: then everything is to be read again.
  struct Word {
    std::string topic, subject;
  };
  // Called on a thread of the store, until end_listening. Once. NOLINTNEXTLINE(performance-*)
  virtual void listen(std::function<void(const Word&)> /*heard*/) {}
  virtual void end_listening() {}
  // Whether other servers may work on the same database.
  virtual bool shared() const { return false; }
  // Names this process among the servers of a database; new at every start.
  const std::string& server() const { return server_; }

  virtual StoreCounters counters() const = 0;
  virtual int schema_version() const = 0;

 protected:
  explicit Store(std::string server) : server_(std::move(server)) {}
  using Work = std::function<Status(Session&)>;
  virtual Status run_write(const Work& work) = 0;
  virtual Status run_read(const Work& work) = 0;

 private:
  template <class Answer, class F>
  Answer run(F& work, Status (Store::*runner)(const Work&)) {
    std::optional<Answer> answer;
    const Status done = (this->*runner)([&](Session& session) -> Status {
      answer.emplace(work(session));
      return answer->ok() ? Status{} : Status{answer->error()};
    });
    if (!done.ok()) return done.error();
    return std::move(*answer);
  }

  const std::string server_;
};

struct SqliteOptions {
  std::filesystem::path file;   // its directory must exist; made 0600
  std::size_t readers = 4;      // pooled sessions for read()
  std::size_t max_group = 256;  // changes in one transaction
};

// Opens the file, takes its lock and brings the schema up to date. Refuses a database of a newer
// version (store_newer), one that another server uses (conflict/store_in_use), and a damaged one
// (store_damaged).
Result<std::unique_ptr<Store>> open_sqlite(SqliteOptions options);

struct PostgresOptions {
  std::string address;  // postgresql://...
  std::size_t readers = 4;
  std::size_t max_group = 256;
  std::chrono::milliseconds patience{5'000};  // for a database that is being started again
};

// Connects and brings the schema up to date; several servers may do so at once. Errors:
// invalid/store_address_invalid, unavailable/store_unreachable, failed/store_access_denied,
// conflict/store_newer.
Result<std::unique_ptr<Store>> open_postgres(PostgresOptions options);

// The server's setting `store`: "sqlite" for the file, or the address of a PostgreSQL database.
Result<std::unique_ptr<Store>> open_store(const std::string& setting,
                                          const std::filesystem::path& file);
// Errors: invalid/store_address_invalid.
Status check_store_setting(const std::string& setting);

}  // namespace rolesync::store
