// SPDX-License-Identifier: Apache-2.0
// A FileSystem that passes everything on, counts it, and writes down what changed. Tests derive
// from it to lie about times or to fail at a point. Single thread.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "host/services/file_system.hpp"

namespace rolesync {

enum class Change {
  write,
  make_directory,
  make_symlink,
  hard_link,
  copy,
  rename,
  rename_new,
  exchange,
  remove_file,
  remove_directory,
  set_mode,
  sync_file,
  sync_directory,
  sync_file_system
};

struct Recorded {
  Change change;
  std::string a, b;   // b: the second path, or the text of a symlink
  std::string bytes;  // of a write
  std::uint32_t mode = 0;
};

class RecordingFileSystem : public FileSystem {
 public:
  explicit RecordingFileSystem(FileSystem& below = real_file_system()) : below_(below) {}

  std::vector<Recorded> log;                 // what succeeded and changes something, or syncs
  std::map<std::string, std::size_t> calls;  // by name of the function; stat_below counts its paths
  std::size_t total() const {
    std::size_t sum = 0;
    for (const auto& [name, count] : calls) sum += count;
    return sum;
  }

  Result<FileStat> stat(const std::string& path) override {
    ++calls["stat"];
    return below_.stat(path);
  }
  void stat_below(const std::string& base, const std::vector<const std::string*>& paths,
                  const StatSink& sink) override {
    calls["stat_below"] += paths.size();
    below_.stat_below(base, paths, sink);
  }
  Result<std::vector<std::string>> list(const std::string& directory) override {
    ++calls["list"];
    return below_.list(directory);
  }
  Result<std::string> read(const std::string& path) override {
    ++calls["read"];
    return below_.read(path);
  }
  Status read_chunks(const std::string& path,
                     const std::function<void(std::string_view)>& sink) override {
    ++calls["read_chunks"];
    return below_.read_chunks(path, sink);
  }
  Result<std::string> read_link(const std::string& path) override {
    ++calls["read_link"];
    return below_.read_link(path);
  }
  Status write(const std::string& path, std::string_view bytes, std::uint32_t mode) override {
    return done("write", {Change::write, path, "", std::string(bytes), mode},
                [&] { return below_.write(path, bytes, mode); });
  }
  Status make_directory(const std::string& path, std::uint32_t mode) override {
    return done("make_directory", {Change::make_directory, path, "", "", mode},
                [&] { return below_.make_directory(path, mode); });
  }
  Status make_symlink(const std::string& target, const std::string& path) override {
    return done("make_symlink", {Change::make_symlink, path, target, "", 0},
                [&] { return below_.make_symlink(target, path); });
  }
  Status hard_link(const std::string& from, const std::string& to) override {
    return done("hard_link", {Change::hard_link, from, to, "", 0},
                [&] { return below_.hard_link(from, to); });
  }
  Status copy(const std::string& from, const std::string& to, std::uint32_t mode) override {
    return done("copy", {Change::copy, from, to, "", mode},
                [&] { return below_.copy(from, to, mode); });
  }
  Status rename(const std::string& from, const std::string& to) override {
    return done("rename", {Change::rename, from, to, "", 0},
                [&] { return below_.rename(from, to); });
  }
  Status rename_new(const std::string& from, const std::string& to) override {
    return done("rename_new", {Change::rename_new, from, to, "", 0},
                [&] { return below_.rename_new(from, to); });
  }
  Status exchange(const std::string& a, const std::string& b) override {
    return done("exchange", {Change::exchange, a, b, "", 0}, [&] { return below_.exchange(a, b); });
  }
  Status remove_file(const std::string& path) override {
    return done("remove_file", {Change::remove_file, path, "", "", 0},
                [&] { return below_.remove_file(path); });
  }
  Status remove_directory(const std::string& path) override {
    return done("remove_directory", {Change::remove_directory, path, "", "", 0},
                [&] { return below_.remove_directory(path); });
  }
  Status set_mode(const std::string& path, std::uint32_t mode) override {
    return done("set_mode", {Change::set_mode, path, "", "", mode},
                [&] { return below_.set_mode(path, mode); });
  }
  Status set_owner(const std::string& path, uid_t uid, gid_t gid) override {
    ++calls["set_owner"];
    return below_.set_owner(path, uid, gid);
  }
  Status sync_file(const std::string& path) override {
    return done("sync_file", {Change::sync_file, path, "", "", 0},
                [&] { return below_.sync_file(path); });
  }
  Status sync_directory(const std::string& path) override {
    return done("sync_directory", {Change::sync_directory, path, "", "", 0},
                [&] { return below_.sync_directory(path); });
  }
  Status sync_file_system(const std::string& path) override {
    return done("sync_file_system", {Change::sync_file_system, path, "", "", 0},
                [&] { return below_.sync_file_system(path); });
  }
  Result<std::uint64_t> free_bytes(const std::string& path) override {
    ++calls["free_bytes"];
    return below_.free_bytes(path);
  }
  Result<std::string> canonical(const std::string& path) override { return below_.canonical(path); }
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
    return below_.lock(path);
  }
  std::int64_t now_ns() override { return below_.now_ns(); }

 protected:
  // Called before every change; an error is returned instead of making it.
  virtual Status before(const Recorded&) { return {}; }

 private:
  template <class Call>
  Status done(const char* name, Recorded entry, const Call& call) {
    ++calls[name];
    if (Status refused = before(entry); !refused) return refused;
    Status status = call();
    if (status) log.push_back(std::move(entry));
    return status;
  }

  FileSystem& below_;
};

}  // namespace rolesync
