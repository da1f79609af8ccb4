// SPDX-License-Identifier: Apache-2.0
// The store on PostgreSQL. As on SQLite one thread writes what waits in one transaction; one lock
// of the database makes the servers on it take turns (docs/decisions/0007). Readers have
// connections of their own.
#include <atomic>
#include <mutex>

#include "host/values/secret.hpp"
#include "server/store/group_writer.hpp"
#include "server/store/migrations.hpp"
#include "server/store/postgres_listener.hpp"
#include "server/store/postgres_session.hpp"
#include "server/store/store.hpp"
#include "server/store/transaction.hpp"

namespace rolesync::store {
namespace {

class PostgresStore : public Store {
 public:
  PostgresStore(PostgresOptions options, PostgresSessionOptions session_options,
                std::unique_ptr<Session> writer, int version)
      : Store(session_options.server),
        options_(std::move(options)),
        session_options_(std::move(session_options)),
        version_(version),
        writer_(std::move(writer), begin_postgres_change, options_.max_group) {}

  StoreCounters counters() const override { return {writer_.writes(), writer_.commits(), reads_}; }
  int schema_version() const override { return version_; }
  bool shared() const override { return true; }

  void listen(std::function<void(const Word&)> heard) override {
    listener_ =
        std::make_unique<PostgresListener>(session_options_.address, server(), std::move(heard));
  }
  void end_listening() override { listener_.reset(); }

 protected:
  Status run_write(const Work& work) override { return writer_.run(work); }

  // A read that lost its connection is done once more.
  Status run_read(const Work& work) override {
    ++reads_;
    Status answer = read_once(work);
    if (!answer.ok() && answer.error().reason == "store_unreachable") answer = read_once(work);
    return answer;
  }

 private:
  Status read_once(const Work& work) {
    auto session = take_reader();
    if (!session) return session.error();
    Status answer;
    {
      auto transaction = Transaction::begin(**session, begin_postgres_read);
      if (!transaction) return transaction.error();
      answer = work(**session);
    }
    give_back(std::move(*session));
    return answer;
  }
  Result<std::unique_ptr<Session>> take_reader() {
    {
      const std::lock_guard lock(readers_mutex_);
      if (!readers_.empty()) {
        auto session = std::move(readers_.back());
        readers_.pop_back();
        return session;
      }
    }
    return open_postgres_session(session_options_);
  }
  // More than this may exist for a moment; nobody waits for one.
  void give_back(std::unique_ptr<Session> session) {
    const std::lock_guard lock(readers_mutex_);
    if (readers_.size() < options_.readers) readers_.push_back(std::move(session));
  }

  const PostgresOptions options_;
  const PostgresSessionOptions session_options_;
  const int version_;
  std::atomic<std::uint64_t> reads_ = 0;
  std::mutex readers_mutex_;
  std::vector<std::unique_ptr<Session>> readers_;
  std::unique_ptr<PostgresListener> listener_;
  GroupWriter writer_;
};

}  // namespace

Result<std::unique_ptr<Store>> open_postgres(PostgresOptions options) {
  auto address = parse_postgres_address(options.address);
  if (!address) return address.error();
  PostgresSessionOptions session_options{std::move(*address), new_id("server"), options.patience};
  auto session = open_postgres_session(session_options);
  if (!session) return session.error();
  const auto version = migrate(**session, embedded_migrations(), begin_postgres_change);
  if (!version) return version.error();
  return std::unique_ptr<Store>(std::make_unique<PostgresStore>(
      std::move(options), std::move(session_options), std::move(*session), *version));
}

}  // namespace rolesync::store
