// SPDX-License-Identifier: Apache-2.0
// The embedded store: one SQLite file, one writer thread, readers with sessions of their own.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>

#include "host/values/secret.hpp"
#include "server/store/group_writer.hpp"
#include "server/store/migrations.hpp"
#include "server/store/sqlite_session.hpp"
#include "server/store/store.hpp"
#include "server/store/store_lock.hpp"
#include "server/store/transaction.hpp"

namespace rolesync::store {
namespace {

constexpr const char* begin_writing = "BEGIN IMMEDIATE";

class SqliteStore : public Store {
 public:
  SqliteStore(SqliteOptions options, StoreLock lock, std::unique_ptr<Session> writer, int version)
      : Store(new_id("server")),
        options_(std::move(options)),
        lock_(std::move(lock)),
        version_(version),
        writer_(std::move(writer), begin_writing, options_.max_group) {}

  StoreCounters counters() const override { return {writer_.writes(), writer_.commits(), reads_}; }
  int schema_version() const override { return version_; }

 protected:
  Status run_write(const Work& work) override { return writer_.run(work); }

  Status run_read(const Work& work) override {
    ++reads_;
    auto session = take_reader();
    if (!session) return session.error();
    Status answer;
    {
      auto transaction = Transaction::begin(**session, "BEGIN");
      if (!transaction) return transaction.error();
      answer = work(**session);
    }
    give_back(std::move(*session));
    return answer;
  }

 private:
  Result<std::unique_ptr<Session>> take_reader() {
    {
      const std::lock_guard lock(readers_mutex_);
      if (!readers_.empty()) {
        auto session = std::move(readers_.back());
        readers_.pop_back();
        return session;
      }
    }
    return open_sqlite_session(options_.file, SqliteAccess::read_only);
  }
  // More sessions than this may exist for a moment; nobody waits for one.
  void give_back(std::unique_ptr<Session> session) {
    const std::lock_guard lock(readers_mutex_);
    if (readers_.size() < options_.readers) readers_.push_back(std::move(session));
  }

  const SqliteOptions options_;
  const StoreLock lock_;
  const int version_;
  std::atomic<std::uint64_t> reads_ = 0;
  std::mutex readers_mutex_;
  std::vector<std::unique_ptr<Session>> readers_;
  GroupWriter writer_;
};

// SQLite gives the files beside the database the same permissions.
Status make_private_file(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return Error{ErrorKind::failed, "store_unreadable",
                 "cannot open " + file.string() + ": " + std::strerror(errno),
                 "check owner and permissions of the state directory"};
  }
  ::fchmod(descriptor, 0600);
  ::close(descriptor);
  const std::string parent = file.has_parent_path() ? file.parent_path().string() : ".";
  if (const int directory = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      directory >= 0) {
    ::fsync(directory);
    ::close(directory);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite(SqliteOptions options) {
  auto lock = StoreLock::take(options.file);
  if (!lock) return lock.error();
  if (const Status made = make_private_file(options.file); !made) return made.error();
  auto session = open_sqlite_session(options.file, SqliteAccess::read_write);
  if (!session) return session.error();
  const auto version = migrate(**session, embedded_migrations(), begin_writing);
  if (!version) return version.error();
  return std::unique_ptr<Store>(std::make_unique<SqliteStore>(std::move(options), std::move(*lock),
                                                              std::move(*session), *version));
}

}  // namespace rolesync::store
