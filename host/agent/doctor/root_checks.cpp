// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include "host/activation/marker_record.hpp"
#include "host/agent/doctor/checks.hpp"
#include "host/agent/doctor/trusted_path.hpp"
#include "host/agent/installations.hpp"
#include "host/process/unique_fd.hpp"
#include "host/services/durable_file.hpp"

namespace rolesync::agent::doctor {
namespace {

// A directory for trying out what a switch does; gone afterwards.
struct Bench {
  explicit Bench(const std::string& root) : directory(root + "/.rolesync-doctor-XXXXXX") {
    made = ::mkdtemp(directory.data()) != nullptr;
    failure = errno;
  }
  ~Bench() {
    std::error_code ignored;
    if (made) std::filesystem::remove_all(directory, ignored);
  }
  UniqueFd file(const char* name) const {
    return UniqueFd(
        ::open((directory + "/" + name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_EXCL, 0600));
  }
  std::string directory;
  bool made = false;
  int failure = 0;
};

Finding cannot_write(const std::string& root, int reason) {
  const std::string why = root + ": " + std::strerror(reason);
  if (reason == EROFS) {
    return failure("root.switch", "root_read_only", why,
                   "mount it writable, or name it in ReadWritePaths= of the agent's unit");
  }
  return failure("root.switch", reason == ENOSPC ? "disk_full" : "root_unwritable", why,
                 "let the agent's user make directories in it");
}

// Directories of the installed files of a role: each costs a watch.
void add_directories(const std::string& root, const Role& role, std::set<std::string>& found) {
  const std::string path = root + "/.rolesync/" + role.name + "/marker";
  const auto text = read_if_there(path);
  if (!text || !*text) return;
  const Result<MarkerRecord> marker = parse_marker_record(**text, path);
  if (!marker) return;
  for (const ManifestEntry& entry : marker->release.manifest.entries()) {
    found.insert((std::filesystem::path(role.target_path) / entry.path).parent_path());
  }
}

std::optional<std::uint64_t> number_in(const char* path) {
  std::ifstream in(path);
  std::uint64_t value = 0;
  return in >> value ? std::optional(value) : std::nullopt;
}

}  // namespace

Finding check_root_owner(const std::string& root) {
  struct stat found {};
  if (::lstat(root.c_str(), &found) != 0) {
    return failure("root", "root_missing", "the allowed root " + root + ": " + std::strerror(errno),
                   "mkdir it, or correct allowed_roots");
  }
  if (S_ISLNK(found.st_mode)) {
    return warning("root", "root_is_symlink",
                   "the allowed root " + root +
                       " is a symbolic link: who may change the link "
                       "decides where roles go",
                   "name the directory itself in allowed_roots");
  }
  if (!S_ISDIR(found.st_mode)) {
    return failure("root", "root_missing", "the allowed root " + root + " is no directory",
                   "correct allowed_roots");
  }
  if (const auto problem = unsafe_owner(root)) {
    return warning("root", "root_unsafe", *problem + ", who could exchange what roles bring there",
                   "chown root and chmod go-w the directories down to " + root);
  }
  return fine("root", root + " can be changed by root and this user only");
}

Finding check_root_switch(const std::string& root) {
  const Bench bench(root);
  if (!bench.made) return cannot_write(root, bench.failure);
  const UniqueFd one = bench.file("one"), two = bench.file("two");
  if (!one || !two) return cannot_write(root, errno);
  if (::renameat2(AT_FDCWD, (bench.directory + "/one").c_str(), AT_FDCWD,
                  (bench.directory + "/two").c_str(), RENAME_EXCHANGE) != 0) {
    const int reason = errno;
    const bool forbidden = reason == EPERM || reason == ENOSYS;
    return failure("root.switch", forbidden ? "exchange_forbidden" : "exchange_unsupported",
                   "two files in " + root + " cannot be exchanged: " + std::strerror(reason),
                   forbidden ? "allow renameat2 in SystemCallFilter= of the agent's unit"
                             : "use a file system with RENAME_EXCHANGE (ext4, xfs, btrfs, tmpfs)");
  }
  const bool shares =
      ::write(one.get(), "x", 1) == 1 && ::ioctl(two.get(), FICLONE, one.get()) == 0;
  return fine("root.switch", root + ": files are exchanged in one step" +
                                 (shares ? "; kept copies share their blocks" : ""));
}

Finding check_root_file_system(const std::string& root, const std::vector<Role>& roles) {
  struct stat top {
  }, state{};
  if (::stat(root.c_str(), &top) != 0) {
    return failure("root.file_system", "root_missing", root + ": " + std::strerror(errno),
                   "see root");
  }
  const bool there = ::lstat((root + "/.rolesync").c_str(), &state) == 0;
  if (there && (!S_ISDIR(state.st_mode) || state.st_uid != ::geteuid())) {
    return failure("root.file_system", "state_not_ours",
                   root + "/.rolesync is not a directory of the user who runs this",
                   "run the doctor as the agent's user, or move it away");
  }
  const dev_t device = there ? state.st_dev : top.st_dev;
  for (const Role& role : roles) {
    struct stat target {};
    if (role.target_path.rfind(root + "/", 0) != 0) continue;
    if (::stat(role.target_path.c_str(), &target) != 0 || target.st_dev == device) continue;
    return failure("root.file_system", "cross_device",
                   role.target_path + " of role " + role.name + " is on another file system than " +
                       root + "/.rolesync, so its files cannot be exchanged in one step",
                   "name its mount point in allowed_roots too");
  }
  return fine("root.file_system", root + ": state and targets are on one file system");
}

Findings check_roots(const AgentConfig& config) {
  Findings findings;
  const auto roles = Installations(real_file_system(), config).known_roles();
  for (const std::string& root : config.limits.allowed_roots) {
    findings.push_back(check_root_owner(root));
    if (findings.back().level == Level::fail) continue;
    findings.push_back(check_root_switch(root));
    findings.push_back(check_root_file_system(root, roles));
  }
  return findings;
}

Finding judge_watches(std::size_t directories, std::optional<std::uint64_t> limit) {
  if (!limit) {
    return warning("root.watches", "watches_unknown", "the limit of inotify watches is not known",
                   "see /proc/sys/fs/inotify/max_user_watches");
  }
  const std::string seen = std::to_string(directories) + " managed directories, " +
                           std::to_string(*limit) + " inotify watches for this user";
  if (directories >= *limit) {
    return warning("root.watches", "watches_too_few",
                   seen + ": trees are looked at in turns instead, and drift is seen later",
                   "raise fs.inotify.max_user_watches with sysctl");
  }
  return fine("root.watches", seen);
}

Finding check_watches(const AgentConfig& config, const std::vector<Role>& roles) {
  std::set<std::string> directories;
  for (const Role& role : roles) {
    const Result<std::string> root = allowed_root_of(config.limits, role.target_path);
    if (root) add_directories(*root, role, directories);
  }
  return judge_watches(directories.size(), number_in("/proc/sys/fs/inotify/max_user_watches"));
}

}  // namespace rolesync::agent::doctor
