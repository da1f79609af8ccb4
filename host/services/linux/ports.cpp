// SPDX-License-Identifier: Apache-2.0
#include "host/services/ports.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <mutex>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "host/services/linux/socket_diag.hpp"

namespace rolesync {
namespace {

using Clock = std::chrono::steady_clock;

// How long an owner that could not be found is not looked for again: one of them would otherwise
// cost a full scan of /proc every time.
constexpr std::chrono::seconds kUnknownFor{60};

struct DirectoryClose {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, DirectoryClose>;

// The inode of "socket:[123]", or 0.
std::uint32_t socket_inode(int directory, const char* name) {
  std::array<char, 64> link;
  const ssize_t size = ::readlinkat(directory, name, link.data(), link.size() - 1);
  if (size < 10 || std::memcmp(link.data(), "socket:[", 8) != 0) return 0;
  std::uint32_t inode = 0;
  std::from_chars(link.data() + 8, link.data() + size, inode);
  return inode;
}

struct Owner {
  pid_t pid = 0;
  int fd = 0;
  std::string process;
};

bool still_owns(const Owner& owner, std::uint32_t inode) {
  const std::string path = "/proc/" + std::to_string(owner.pid) + "/fd/" + std::to_string(owner.fd);
  return socket_inode(AT_FDCWD, path.c_str()) == inode;
}

std::string process_name(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/comm");
  std::string name;
  std::getline(in, name);
  return name;
}

class KernelPorts : public Ports {
 public:
  explicit KernelPorts(std::atomic<int>* searches) : searches_(searches) {}
  Result<std::vector<ListeningPort>> scan() override {
    Result<std::vector<ListeningSocket>> sockets = listening_sockets();
    if (!sockets) return sockets.error();
    std::lock_guard lock(mutex_);
    find_owners(*sockets);
    std::vector<ListeningPort> ports;
    for (const ListeningSocket& socket : *sockets) {
      auto it = owners_.find(socket.inode);
      ListeningPort port{socket.port, socket.address, "", 0, socket.v6_only};
      if (it != owners_.end()) port.process = it->second.process, port.pid = it->second.pid;
      ports.push_back(std::move(port));
    }
    std::sort(ports.begin(), ports.end(), [](const ListeningPort& a, const ListeningPort& b) {
      return std::tie(a.port, a.address, a.pid) < std::tie(b.port, b.address, b.pid);
    });
    ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
    return ports;
  }

 private:
  void find_owners(const std::vector<ListeningSocket>& sockets) {
    const auto now = Clock::now();
    std::unordered_set<std::uint32_t> live, missing;
    for (const ListeningSocket& socket : sockets) {
      live.insert(socket.inode);
      auto owner = owners_.find(socket.inode);
      if (owner != owners_.end() && still_owns(owner->second, socket.inode)) continue;
      if (owner != owners_.end()) owners_.erase(owner);
      auto unknown = unknown_until_.find(socket.inode);
      if (unknown == unknown_until_.end() || now >= unknown->second) missing.insert(socket.inode);
    }
    std::erase_if(owners_, [&](const auto& entry) { return !live.count(entry.first); });
    std::erase_if(unknown_until_, [&](const auto& entry) { return !live.count(entry.first); });
    if (missing.empty()) return;
    search_processes(missing);
    for (std::uint32_t inode : missing) unknown_until_[inode] = now + kUnknownFor;
  }

  // Looks through the descriptors of all processes; what it finds leaves `missing`.
  void search_processes(std::unordered_set<std::uint32_t>& missing) {
    if (searches_) ++*searches_;
    Directory processes(::opendir("/proc"));
    if (!processes) return;
    while (const dirent* entry = missing.empty() ? nullptr : ::readdir(processes.get())) {
      if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
      const pid_t pid = std::atoi(entry->d_name);
      Directory fds(::opendir(("/proc/" + std::to_string(pid) + "/fd").c_str()));
      if (!fds) continue;
      while (const dirent* fd = ::readdir(fds.get())) {
        if (fd->d_name[0] == '.') continue;
        const std::uint32_t inode = socket_inode(::dirfd(fds.get()), fd->d_name);
        if (inode == 0 || missing.erase(inode) == 0) continue;
        owners_[inode] = {pid, std::atoi(fd->d_name), process_name(pid)};
      }
    }
  }

  std::atomic<int>* const searches_;
  std::mutex mutex_;
  std::unordered_map<std::uint32_t, Owner> owners_;
  std::unordered_map<std::uint32_t, Clock::time_point> unknown_until_;
};

}  // namespace

std::unique_ptr<Ports> kernel_ports(std::atomic<int>* searches) {
  return std::make_unique<KernelPorts>(searches);
}

}  // namespace rolesync
