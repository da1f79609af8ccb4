// SPDX-License-Identifier: Apache-2.0
#include "tests/host/activation/crash_model.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "host/activation/known_file.hpp"

namespace rolesync {
namespace {

namespace stdfs = std::filesystem;

std::string parent_of(const std::string& path) {
  return path.substr(0, path.find_last_of('/'));
}
std::string name_of(const std::string& path) {
  return path.substr(path.find_last_of('/') + 1);
}

bool is_sync(Change change) {
  return change == Change::sync_file || change == Change::sync_directory ||
         change == Change::sync_file_system;
}

bool makes_inode(Change change) {
  return change == Change::write || change == Change::make_directory ||
         change == Change::make_symlink || change == Change::copy;
}

}  // namespace

CrashModel::CrashModel(const std::string& root, const std::string& volatile_directory)
    : root_(root), volatile_(volatile_directory) {
  std::map<std::uint64_t, int> known;
  next_inode_ = 0;
  load(root, initial_, known);
  latest_ = initial_;
}

int CrashModel::load(const std::string& path, Disk& disk, std::map<std::uint64_t, int>& known) {
  struct stat seen {};
  if (::lstat(path.c_str(), &seen) != 0) throw std::runtime_error("cannot load " + path);
  const auto at = known.find(seen.st_ino);
  if (at != known.end()) return at->second;
  const int number = known[seen.st_ino] = next_inode_++;
  Inode inode;
  inode.mode = seen.st_mode & 07777;
  if (S_ISDIR(seen.st_mode)) {
    inode.type = FileType::directory;
    for (const auto& item : stdfs::directory_iterator(path)) {
      inode.names[item.path().filename()] = load(item.path(), disk, known);
    }
  } else if (S_ISLNK(seen.st_mode)) {
    inode.type = FileType::symlink;
    inode.bytes = stdfs::read_symlink(path);
  } else {
    std::ifstream in(path, std::ios::binary);
    inode.bytes.assign(std::istreambuf_iterator<char>(in), {});
    initially_volatile_[number] = path.starts_with(volatile_ + "/");
  }
  disk[number] = std::move(inode);
  return number;
}

int* CrashModel::entry(Disk& disk, const std::string& path) {
  int* inode = nullptr;
  static int root = 0;
  inode = &root;
  for (std::size_t begin = 1; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    Inode& directory = disk[*inode];
    const auto at = directory.names.find(path.substr(begin, end - begin));
    if (at == directory.names.end()) return nullptr;
    inode = &at->second;
    begin = end + 1;
  }
  return inode;
}

int CrashModel::find(Disk& disk, const std::string& path) {
  const int* at = entry(disk, path);
  return at ? *at : -1;
}

void CrashModel::record(const std::vector<Recorded>& log) {
  for (Recorded what : log) {
    what.a = what.a.substr(root_.size());
    if (what.change != Change::make_symlink && !what.b.empty())
      what.b = what.b.substr(root_.size());
    Step step{what, -1};
    const std::string& subject = what.change == Change::copy ? what.b : what.a;
    if (makes_inode(what.change)) {
      step.inode = find(latest_, subject);
      if (step.inode < 0) step.inode = next_inode_++;
    } else if (what.change == Change::sync_file || what.change == Change::set_mode) {
      step.inode = find(latest_, subject);
    }
    if (what.change == Change::copy) step.what.bytes = latest_[find(latest_, what.a)].bytes;
    if (!apply(latest_, step)) throw std::runtime_error("the model cannot follow: " + what.a);
    changes_.push_back(std::move(step));
  }
}

// False when the change is impossible on this disk, because one before it was lost.
bool CrashModel::apply(Disk& disk, const Step& step) const {
  const Recorded& what = step.what;
  const std::string& made = what.change == Change::copy ? what.b : what.a;
  const int directory = find(disk, parent_of(made));
  if (directory < 0 || disk[directory].type != FileType::directory) return is_sync(what.change);
  auto& names = disk[directory].names;
  int* from = entry(disk, what.a);
  switch (what.change) {
    case Change::write:
    case Change::copy: {
      if (!names.contains(name_of(made))) names[name_of(made)] = step.inode;
      Inode& inode = disk[names[name_of(made)]];
      inode.type = FileType::regular;
      inode.bytes = what.bytes;
      inode.mode = what.mode;
      return true;
    }
    case Change::make_directory:
    case Change::make_symlink:
      if (from) return false;
      names[name_of(made)] = step.inode;
      disk[step.inode] = Inode();
      disk[step.inode].mode = what.mode;
      disk[step.inode].bytes = what.b;
      disk[step.inode].type =
          what.change == Change::make_symlink ? FileType::symlink : FileType::directory;
      return true;
    case Change::set_mode:
      if (from) disk[*from].mode = what.mode;
      return from != nullptr;
    case Change::remove_file:
      return from && names.erase(name_of(what.a)) == 1;
    case Change::remove_directory:
      return from && disk[*from].names.empty() && names.erase(name_of(what.a)) == 1;
    case Change::exchange: {
      int* to = entry(disk, what.b);
      if (!from || !to) return false;
      std::swap(*from, *to);
      return true;
    }
    case Change::hard_link:
    case Change::rename:
    case Change::rename_new: {
      const int target = find(disk, parent_of(what.b));
      if (!from || target < 0 || disk[target].type != FileType::directory) return false;
      if (what.change != Change::rename && entry(disk, what.b)) return false;
      disk[target].names[name_of(what.b)] = *from;
      if (what.change != Change::hard_link) names.erase(name_of(what.a));
      return true;
    }
    default:
      return true;
  }
}

bool CrashModel::pinned(std::size_t index, std::size_t count) const {
  const Recorded& what = changes_[index].what;
  if (is_sync(what.change)) return true;
  if (what.change == Change::set_mode) return true;  // lose_bytes() judges modes
  const std::string a = parent_of(what.a);
  const std::string b = what.change == Change::make_symlink ? a : parent_of(what.b);
  for (std::size_t i = index + 1; i < count; ++i) {
    const Recorded& later = changes_[i].what;
    if (later.change == Change::sync_file_system) return true;
    if (later.change == Change::sync_directory && (later.a == a || later.a == b)) return true;
  }
  return false;
}

// Files get the bytes and mode that they had at their own last sync; none if there was none.
void CrashModel::lose_bytes(Disk& disk, std::size_t count) const {
  std::map<int, Version> current;
  std::map<int, Version> durable;
  for (const auto& [number, inode] : initial_) {
    current[number] = {0, inode.bytes, inode.mode};
    const auto at = initially_volatile_.find(number);
    const bool lost = at != initially_volatile_.end() && at->second;
    durable[number] = lost ? Version{0, "", inode.mode} : current[number];
  }
  for (std::size_t i = 0; i < count; ++i) {
    const Step& step = changes_[i];
    if (step.what.change == Change::write || step.what.change == Change::copy) {
      current[step.inode] = {i, step.what.bytes, step.what.mode};
    } else if (step.what.change == Change::set_mode) {
      current[step.inode].mode = step.what.mode;
    } else if (step.what.change == Change::sync_file) {
      durable[step.inode] = current[step.inode];
    } else if (step.what.change == Change::sync_file_system) {
      durable = current;
    }
  }
  for (auto& [number, inode] : disk) {
    if (inode.type != FileType::regular) continue;
    const auto at = durable.find(number);
    inode.bytes = at == durable.end() ? "" : at->second.bytes;
    if (at != durable.end()) inode.mode = at->second.mode;
  }
}

void CrashModel::materialise(std::size_t count, const Keep& keep, bool bytes,
                             const std::string& to) const {
  Disk disk = initial_;
  for (std::size_t i = 0; i < count; ++i) {
    if (pinned(i, count) || keep(i)) apply(disk, changes_[i]);
  }
  if (!bytes) lose_bytes(disk, count);
  write_out(disk, 0, to);
}

void CrashModel::materialise_by_directory(std::size_t count, bool bytes,
                                          const std::string& to) const {
  Disk disk = initial_;
  Disk durable = initial_;
  for (std::size_t i = 0; i < count; ++i) {
    apply(disk, changes_[i]);
    const Recorded& what = changes_[i].what;
    if (what.change == Change::sync_file_system) durable = disk;
    if (what.change != Change::sync_directory) continue;
    const int directory = find(disk, what.a);
    durable[directory] = disk[directory];
    for (const auto& [name, inode] : disk[directory].names) {
      if (!durable.contains(inode)) durable[inode] = disk[inode];
      if (disk[inode].type != FileType::directory) durable[inode] = disk[inode];
    }
  }
  if (!bytes) lose_bytes(durable, count);
  write_out(durable, 0, to);
}

void CrashModel::write_out(const Disk& disk, int number, const std::string& to) {
  const auto at = disk.find(number);
  if (at == disk.end()) return;
  const Inode& inode = at->second;
  if (inode.type == FileType::symlink) {
    stdfs::create_symlink(inode.bytes, to);
    return;
  }
  if (inode.type == FileType::directory) {
    stdfs::create_directories(to);
    for (const auto& [name, child] : inode.names) write_out(disk, child, path_below(to, name));
  } else {
    std::ofstream(to, std::ios::binary) << inode.bytes;
  }
  ::chmod(to.c_str(), inode.mode);
}

}  // namespace rolesync
