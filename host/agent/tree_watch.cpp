// SPDX-License-Identifier: Apache-2.0
#include "host/agent/tree_watch.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <set>
#include <string_view>

namespace rolesync::agent {
namespace {

constexpr std::uint32_t kMask = IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE |
                                IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR |
                                IN_DONT_FOLLOW;
constexpr int kBurstMs = 50;  // an editor's save is several events
constexpr std::size_t kMaxPaths = 1000;

std::uint64_t hash(std::string_view path) {
  return std::hash<std::string_view>{}(path);
}

// "a/b/c" -> "a/b/", "c" -> "".
std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

}  // namespace

TreeWatch::TreeWatch(std::function<void(const std::string&)> on_change)
    : on_change_(std::move(on_change)),
      inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)),
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  thread_ = std::thread([this] { run(); });
}

TreeWatch::~TreeWatch() {
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
  thread_.join();
}

bool TreeWatch::watch(const std::string& role, const std::string& target,
                      const Manifest& manifest) {
  std::lock_guard lock(mutex_);
  if (!inotify_) return false;
  Tree& tree = trees_[role];
  if (tree.target != target || tree.touched.broken) {
    for (const auto& [directory, id] : tree.directories) unwatch(role, id);
    tree.directories.clear();
  }
  tree.target = target;
  tree.touched.broken = false;
  tree.names.clear();
  std::set<std::string> wanted{""};
  for (const ManifestEntry& entry : manifest.entries()) {
    tree.names.insert(hash(entry.path));
    for (std::string at = directory_of(entry.path); wanted.insert(at).second;) {
      const std::string without_slash = at.substr(0, at.size() - 1);
      tree.names.insert(hash(without_slash));
      at = directory_of(without_slash);
    }
  }
  std::erase_if(tree.directories, [&](const auto& directory) {
    if (wanted.contains(directory.first)) return false;
    unwatch(role, directory.second);
    return true;
  });
  bool complete = true;
  const std::filesystem::path top(target);
  for (const std::string& directory : wanted) {
    if (tree.directories.contains(directory)) continue;
    const int id = ::inotify_add_watch(inotify_.get(), (top / directory).c_str(), kMask);
    if (id < 0) {
      complete = false;
      continue;
    }
    places_[id].push_back({role, directory});
    tree.directories[directory] = id;
  }
  return complete;
}

void TreeWatch::forget(const std::string& role) {
  std::lock_guard lock(mutex_);
  auto tree = trees_.find(role);
  if (tree == trees_.end()) return;
  for (const auto& [directory, id] : tree->second.directories) unwatch(role, id);
  trees_.erase(tree);
}

// Two roles may share a directory, and so its watch.
void TreeWatch::unwatch(const std::string& role, int id) {
  auto places = places_.find(id);
  if (places == places_.end()) return;
  std::erase_if(places->second, [&](const Place& place) { return place.role == role; });
  if (!places->second.empty()) return;
  places_.erase(places);
  ::inotify_rm_watch(inotify_.get(), id);
}

Touched TreeWatch::take_touched(const std::string& role) {
  std::set<std::string> roles;
  std::lock_guard lock(mutex_);
  read_events(roles);
  auto tree = trees_.find(role);
  if (tree == trees_.end()) return {true, true, {}};
  Touched touched = std::move(tree->second.touched);
  tree->second.touched = {};
  tree->second.touched.broken = touched.broken;  // until it is watched again
  return touched;
}

void TreeWatch::note(const Place& place, std::uint32_t mask, const char* name,
                     std::set<std::string>& roles) {
  auto tree = trees_.find(place.role);
  if (tree == trees_.end()) return;
  Touched& touched = tree->second.touched;
  if (mask & (IN_DELETE_SELF | IN_MOVE_SELF)) {
    touched.everything = touched.broken = true;
  } else {
    const std::string path = place.directory + name;
    if (!tree->second.names.contains(hash(path))) return;
    touched.broken = touched.broken || (mask & IN_ISDIR && !(mask & IN_ATTRIB));
    touched.everything = touched.everything || touched.paths.size() >= kMaxPaths;
    if (!touched.everything) touched.paths.insert(path);
  }
  roles.insert(place.role);
}

// Holds mutex_.
void TreeWatch::read_events(std::set<std::string>& roles) {
  alignas(inotify_event) std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t size = ::read(inotify_.get(), buffer.data(), buffer.size());
    if (size <= 0) return;
    for (const char* at = buffer.data(); at < buffer.data() + size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(at);
      at += sizeof(inotify_event) + event->len;
      if (event->mask & IN_Q_OVERFLOW) {
        for (auto& [role, tree] : trees_) {
          tree.touched.everything = tree.touched.broken = true;
          roles.insert(role);
        }
      }
      auto places = places_.find(event->wd);
      if (places == places_.end() || (event->mask & IN_IGNORED)) continue;
      for (const Place& place : places->second) {
        note(place, event->mask, event->len > 0 ? event->name : "", roles);
      }
    }
  }
}

void TreeWatch::run() {
  for (;;) {
    std::array<pollfd, 2> fds{{{inotify_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return;
    if (fds[1].revents) return;
    std::set<std::string> roles;
    {
      std::lock_guard lock(mutex_);
      read_events(roles);
    }
    if (roles.empty()) continue;
    if (::poll(&fds[1], 1, kBurstMs) > 0) return;
    {
      std::lock_guard lock(mutex_);
      read_events(roles);
    }
    for (const std::string& role : roles) on_change_(role);
  }
}

}  // namespace rolesync::agent
