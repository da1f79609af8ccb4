// SPDX-License-Identifier: Apache-2.0
// A disk that forgets. It is told the changes of a recorded run and then says what could be on the
// platter if the power went after the k-th of them: names and bytes that nobody had synced may be
// lost, each change on its own. A rename is one change (every journalling file system does so), a
// synced directory keeps the changes of its entries, a synced file its bytes and mode. Single
// thread.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/host/activation/recording_file_system.hpp"

namespace rolesync {

class CrashModel {
 public:
  // What `root` holds now is durable, except files below `volatile_directory`: their names are
  // there, their bytes are not safe yet.
  CrashModel(const std::string& root, const std::string& volatile_directory);

  // The changes that follow; paths below `root`.
  void record(const std::vector<Recorded>& log);
  std::size_t size() const { return changes_.size(); }
  const Recorded& change(std::size_t i) const { return changes_[i].what; }

  // A change that no sync covers is kept if `keep(index)` says so; bytes that no sync covers are
  // kept if `bytes` is true, else lost.
  using Keep = std::function<bool(std::size_t)>;
  // Writes the disk after the first `count` changes into the empty directory `to`.
  void materialise(std::size_t count, const Keep& keep, bool bytes, const std::string& to) const;
  // The same with another loss: every directory has its entries as of its own last sync.
  void materialise_by_directory(std::size_t count, bool bytes, const std::string& to) const;

 private:
  struct Inode {
    FileType type = FileType::regular;
    std::uint32_t mode = 0644;
    std::string bytes;  // of a symlink: its text
    std::map<std::string, int> names;
  };
  struct Version {  // of a regular file's bytes and mode, as of one change
    std::size_t at = 0;
    std::string bytes;
    std::uint32_t mode = 0;
  };
  struct Step {
    Recorded what;
    int inode = -1;  // that the change makes, writes or syncs
  };
  using Disk = std::map<int, Inode>;

  int load(const std::string& path, Disk& disk, std::map<std::uint64_t, int>& known);
  static int* entry(Disk& disk, const std::string& path);
  static int find(Disk& disk, const std::string& path);
  bool apply(Disk& disk, const Step& step) const;
  bool pinned(std::size_t index, std::size_t count) const;
  void lose_bytes(Disk& disk, std::size_t count) const;
  static void write_out(const Disk& disk, int inode, const std::string& to);

  const std::string root_;
  const std::string volatile_;
  Disk initial_;  // inode 0 is the root
  Disk latest_;   // after all changes
  int next_inode_ = 1;
  std::map<int, bool> initially_volatile_;
  std::vector<Step> changes_;
};

}  // namespace rolesync
