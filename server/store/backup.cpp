// SPDX-License-Identifier: Apache-2.0
#include "server/store/backup.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "server/store/migrations.hpp"
#include "server/store/postgres_session.hpp"
#include "server/store/sqlite_session.hpp"
#include "server/store/store_lock.hpp"

namespace rolesync::store {
namespace {

namespace fs = std::filesystem;

// A file beside the one that is to be, for its owner only, and gone unless it was moved there.
class Unfinished {
 public:
  explicit Unfinished(const fs::path& target) : path_(target.string() + ".unfinished") { remove(); }
  ~Unfinished() { remove(); }
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  const fs::path& path() const { return path_; }

  Status make() const {
    const int descriptor = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0) {
      return Error{ErrorKind::failed, "backup_unwritable",
                   "cannot make " + path_.string() + ": " + std::strerror(errno),
                   "name a file in a directory that may be written"};
    }
    ::close(descriptor);
    return {};
  }
  Status move_to(const fs::path& target) const {
    if (!sync(path_) || ::rename(path_.c_str(), target.c_str()) != 0) {
      return Error{ErrorKind::failed, "backup_unwritable",
                   "cannot write " + target.string() + ": " + std::strerror(errno)};
    }
    (void)sync(target.has_parent_path() ? target.parent_path() : fs::path("."));
    return {};
  }

 private:
  static bool sync(const fs::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return false;
    const bool done = ::fsync(descriptor) == 0;
    ::close(descriptor);
    return done;
  }
  void remove() const {
    std::error_code ignored;
    for (const char* suffix : {"", "-wal", "-shm", "-journal", ".lock"}) {
      fs::remove(path_.string() + suffix, ignored);
    }
  }
  fs::path path_;
};

// What stands in one SQLite file at this moment, as another file; others may go on writing.
Status copy_database(const fs::path& from, const fs::path& to) {
  auto session = open_sqlite_session(from, SqliteAccess::read_write);
  if (!session) return session.error();
  const auto copied = (*session)->execute("VACUUM INTO ?", {to.string()});
  return copied ? Status{} : Status{copied.error()};
}

// A backup is made by the program that the database belongs to: it would change an older one.
Status check_version(Session& session) {
  const auto rows = session.query("SELECT MAX(version) FROM schema_version");
  if (!rows) return rows.error();
  const int version = static_cast<int>(rows->front().integer(0));
  const int ours = embedded_migrations().back().version;
  if (version == ours) return {};
  return Error{ErrorKind::conflict, "store_other_version",
               "the database has schema version " + std::to_string(version) +
                   ", this program version " + std::to_string(ours),
               "use the rolesync-server that runs on this database"};
}

Status back_up_sqlite(const fs::path& file, const fs::path& into) {
  std::error_code error;
  if (!fs::exists(file, error)) {
    return Error{ErrorKind::not_found, "store_missing", "there is no database " + file.string(),
                 "name the server's config with --config"};
  }
  {
    auto session = open_sqlite_session(file, SqliteAccess::read_only);
    if (!session) return session.error();
    if (Status same = check_version(**session); !same) return same;
  }
  return copy_database(file, into);
}

Status back_up_postgres(const std::string& address, const fs::path& into) {
  const auto parsed = parse_postgres_address(address);
  if (!parsed) return parsed.error();
  {
    const auto session = open_postgres_session({*parsed, "backup"});
    if (!session) return session.error();
    if (Status same = check_version(**session); !same) return same;
  }
  const auto from = open_postgres({.address = address});
  if (!from) return from.error();
  const auto to = open_sqlite({.file = into});
  if (!to) return to.error();
  const auto copied = copy_tables({**from, **to, **to, "backup", {}});
  return copied ? Status{} : Status{copied.error()};
}

// The backup as a store of this version, in `into`; the backup itself is not touched.
Status unpack(const fs::path& backup, const fs::path& into) {
  std::error_code error;
  if (!fs::is_regular_file(backup, error)) {
    return Error{ErrorKind::not_found, "backup_missing", "there is no file " + backup.string()};
  }
  const auto damaged = [&](const std::string& what) {
    return Error{ErrorKind::failed, "backup_damaged",
                 backup.string() + " is no backup that can be used: " + what,
                 "take another backup"};
  };
  if (Status copied = copy_database(backup, into); !copied) return damaged(copied.error().message);
  {
    auto session = open_sqlite_session(into, SqliteAccess::read_only);
    if (!session) return damaged(session.error().message);
    const auto intact = (*session)->query("PRAGMA integrity_check");
    if (!intact || intact->empty()) return damaged("it cannot be checked");
    if (intact->front().text(0) != "ok") return damaged(intact->front().text(0));
    const auto version = (*session)->query("SELECT COUNT(*) FROM schema_version");
    if (!version || version->front().integer(0) == 0) return damaged("it has no schema version");
  }
  const auto opened = open_sqlite({.file = into});  // brings it up to date
  return opened ? Status{} : Status{opened.error()};
}

Status put_in_place(const Unfinished& restored, const fs::path& file) {
  const auto lock = StoreLock::take(file);
  if (!lock) return lock.error();
  std::error_code error;
  if (fs::exists(file, error)) {
    // With what is still in its journal, as a whole of its own.
    const fs::path kept = file.string() + ".before-restore";
    const Unfinished before(kept);
    if (Status made = before.make(); !made) return made;
    if (Status copied = copy_database(file, before.path()); !copied) {
      // A damaged one is kept as it is.
      fs::copy_file(file, before.path(), fs::copy_options::overwrite_existing, error);
    }
    if (Status moved = before.move_to(kept); !moved) return moved;
  }
  for (const char* suffix : {"-wal", "-shm"}) fs::remove(file.string() + suffix, error);
  return restored.move_to(file);
}

}  // namespace

Status back_up(const StoreLocation& store, const fs::path& backup) {
  std::error_code error;
  if (fs::exists(backup, error)) {
    return Error{ErrorKind::conflict, "backup_exists", backup.string() + " exists already",
                 "name another file"};
  }
  const Unfinished file(backup);
  if (Status made = file.make(); !made) return made;
  Status done = store.setting == "sqlite" ? back_up_sqlite(store.file, file.path())
                                          : back_up_postgres(store.setting, file.path());
  return done ? file.move_to(backup) : done;
}

Status restore(const StoreLocation& store, const fs::path& backup) {
  const bool sqlite = store.setting == "sqlite";
  const Unfinished unpacked(sqlite ? store.file : fs::path(backup));
  if (Status made = unpacked.make(); !made) return made;
  if (Status done = unpack(backup, unpacked.path()); !done) return done;
  if (sqlite) return put_in_place(unpacked, store.file);
  const auto from = open_sqlite({.file = unpacked.path()});
  if (!from) return from.error();
  const auto to = open_postgres({.address = store.setting});
  if (!to) return to.error();
  const auto copied = copy_tables({**from, **to, **from, "backup " + backup.string(), {}});
  return copied ? Status{} : Status{copied.error()};
}

Result<std::vector<CopiedTable>> migrate_store(const StoreLocation& from, const std::string& to,
                                               std::function<void(const CopiedTable&)> done) {
  if (from.setting != "sqlite") {
    return Error{ErrorKind::invalid, "store_not_sqlite",
                 "this server's store is not SQLite, which is what can be moved to PostgreSQL",
                 "between PostgreSQL databases use backup and restore"};
  }
  std::error_code error;
  if (!fs::exists(from.file, error)) {
    return Error{ErrorKind::not_found, "store_missing",
                 "there is no database " + from.file.string(),
                 "name the server's config with --config"};
  }
  if (Status valid = check_store_setting(to); !valid) return valid.error();
  const auto source = open_sqlite({.file = from.file});  // refuses while a server uses it
  if (!source) return source.error();
  const auto target = open_postgres({.address = to});
  if (!target) return target.error();
  return copy_tables(
      {**source, **target, **source, fs::absolute(from.file, error).string(), std::move(done)});
}

}  // namespace rolesync::store
