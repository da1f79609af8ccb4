// SPDX-License-Identifier: Apache-2.0
#include "host/process/enclosure.hpp"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <thread>

#include "host/process/unique_fd.hpp"

namespace rolesync {
namespace {

constexpr std::chrono::milliseconds kLook{5};

struct DirectoryClose {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

void each_entry(const std::string& directory, const std::function<void(const dirent&)>& visit) {
  const std::unique_ptr<DIR, DirectoryClose> open(::opendir(directory.c_str()));
  if (!open) return;
  while (const dirent* entry = ::readdir(open.get())) {
    if (entry->d_name[0] != '.') visit(*entry);
  }
}

bool is_directory(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
}

// A cgroup and those that were made inside it, the innermost first.
std::vector<std::string> tree_of(const std::string& cgroup) {
  std::vector<std::string> tree;
  each_entry(cgroup, [&](const dirent& entry) {
    if (entry.d_type != DT_DIR) return;
    for (std::string& inner : tree_of(cgroup + "/" + entry.d_name)) {
      tree.push_back(std::move(inner));
    }
  });
  tree.push_back(cgroup);
  return tree;
}

// Where cgroup2 is mounted, and which cgroup that mount shows.
struct Mount {
  std::string root, place;
};
Mount cgroup_mount() {
  std::ifstream in("/proc/self/mountinfo");
  for (std::string line; std::getline(in, line);) {
    const std::size_t separator = line.find(" - cgroup2 ");
    if (separator == std::string::npos) continue;
    std::istringstream fields(line);
    std::string skipped;
    Mount mount;
    fields >> skipped >> skipped >> skipped >> mount.root >> mount.place;
    return mount;
  }
  return {};
}

bool is_marked(pid_t pid, const std::string& mark) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/environ", std::ios::binary);
  for (std::string variable; std::getline(in, variable, '\0');) {
    if (variable == mark) return true;
  }
  return false;
}

std::vector<pid_t> marked_processes(const std::string& mark) {
  std::vector<pid_t> found;
  each_entry("/proc", [&](const dirent& entry) {
    const pid_t pid = std::atoi(entry.d_name);
    if (pid > 1 && pid != ::getpid() && is_marked(pid, mark)) found.push_back(pid);
  });
  return found;
}

// A pid that was read a moment ago may be somebody else's now, but what the handle holds is not:
// what belongs to us is asked once more with the handle open.
void kill_if(pid_t pid, const std::function<bool(pid_t)>& still_ours) {
  const UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!handle || !still_ours(pid)) return;
  ::syscall(SYS_pidfd_send_signal, handle.get(), SIGKILL, nullptr, 0);
}

}  // namespace

std::string Enclosure::own_cgroup() {
  return cgroup_of(::getpid());
}

std::string Enclosure::cgroup_of(pid_t pid) {
  const Mount mount = cgroup_mount();
  if (mount.place.empty()) return "";
  std::ifstream in("/proc/" + std::to_string(pid) + "/cgroup");
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("0::", 0) != 0) continue;
    std::string path = line.substr(3);
    if (mount.root != "/") {
      if (path.rfind(mount.root, 0) != 0) return "";  // not in what is mounted here
      path.erase(0, mount.root.size());
    }
    if (path.find("..") != std::string::npos) return "";
    return path == "/" || path.empty() ? mount.place : mount.place + path;
  }
  return "";
}

Enclosure::Enclosure(const std::string& name) : Enclosure(name, own_cgroup()) {}

Enclosure::Enclosure(const std::string& name, const std::string& parent_cgroup)
    : mark_(std::string(variable) + "=" + name),
      path_(parent_cgroup.empty() ? "" : parent_cgroup + "/rolesync-" + name) {
  if (is_directory(path_)) cgroup_ = path_;
}

void Enclosure::put_in(ChildSpec& spec) {
  const std::size_t equals = mark_.find('=');
  spec.environment[mark_.substr(0, equals)] = mark_.substr(equals + 1);
  if (path_.empty()) return;
  const bool was_there = !cgroup_.empty();
  ::mkdir(path_.c_str(), 0755);
  const bool can_enter = ::access((path_ + "/cgroup.procs").c_str(), W_OK) == 0;
  cgroup_ = can_enter ? path_ : "";
  spec.cgroup = cgroup_;
  all_in_cgroup_ = can_enter && !was_there;
}

std::vector<pid_t> Enclosure::in_cgroup() const {
  std::vector<pid_t> found;
  if (cgroup_.empty()) return found;
  for (const std::string& group : tree_of(cgroup_)) {
    std::ifstream in(group + "/cgroup.procs");
    for (pid_t pid = 0; in >> pid;) found.push_back(pid);
  }
  return found;
}

// One signal to all that is inside now; how many that was.
std::size_t Enclosure::kill_round() {
  const pid_t self = ::getpid();
  std::vector<pid_t> inside = in_cgroup();
  const bool with_us = std::find(inside.begin(), inside.end(), self) != inside.end();
  // The kernel's own way also gets those that are being forked just now.
  if (!inside.empty() && !with_us) std::ofstream(cgroup_ + "/cgroup.kill") << "1";
  for (const pid_t pid : inside) {
    kill_if(pid, [&](pid_t still) {
      const std::vector<pid_t> now = in_cgroup();
      return still != self && std::find(now.begin(), now.end(), still) != now.end();
    });
  }
  std::size_t count = inside.size() - (with_us ? 1 : 0);
  if (all_in_cgroup_) return count;
  for (const pid_t pid : marked_processes(mark_)) {
    if (std::find(inside.begin(), inside.end(), pid) != inside.end()) continue;
    kill_if(pid, [&](pid_t still) { return is_marked(still, mark_); });
    ++count;
  }
  return count;
}

std::size_t Enclosure::end(std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  std::size_t most = 0;
  for (;;) {
    const std::size_t left = kill_round();
    most = std::max(most, left);
    if (left == 0 || std::chrono::steady_clock::now() >= until) break;
    std::this_thread::sleep_for(kLook);
  }
  if (!cgroup_.empty()) {
    for (const std::string& group : tree_of(cgroup_)) ::rmdir(group.c_str());
    if (!is_directory(cgroup_)) cgroup_.clear();
  }
  return most;
}

}  // namespace rolesync
