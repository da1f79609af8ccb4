// SPDX-License-Identifier: Apache-2.0
#include "host/agent/tree_watch.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <set>
#include <string_view>

namespace rolesync::agent {
namespace {

constexpr std::uint32_t kMask = IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE |
                                IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR |
                                IN_DONT_FOLLOW;
constexpr int kBurstMs = 50;  // an editor's save is several events

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
  drop(role);
  if (!inotify_) return false;
  Tree& tree = trees_[role];
  std::set<std::string> directories{""};
  for (const ManifestEntry& entry : manifest.entries()) {
    tree.names.insert(hash(entry.path));
    for (std::string at = directory_of(entry.path); directories.insert(at).second;) {
      const std::string without_slash = at.substr(0, at.size() - 1);
      tree.names.insert(hash(without_slash));
      at = directory_of(without_slash);
    }
  }
  bool complete = true;
  for (const std::string& directory : directories) {
    const int id = ::inotify_add_watch(inotify_.get(), (target + "/" + directory).c_str(), kMask);
    if (id < 0) {
      complete = false;
      continue;
    }
    places_[id].push_back({role, directory});
    tree.watches.push_back(id);
  }
  return complete;
}

void TreeWatch::forget(const std::string& role) {
  std::lock_guard lock(mutex_);
  drop(role);
}

void TreeWatch::drop(const std::string& role) {
  auto tree = trees_.find(role);
  if (tree == trees_.end()) return;
  for (int id : tree->second.watches) {
    std::vector<Place>& places = places_[id];
    std::erase_if(places, [&](const Place& place) { return place.role == role; });
    if (!places.empty()) continue;
    places_.erase(id);
    ::inotify_rm_watch(inotify_.get(), id);
  }
  trees_.erase(tree);
}

bool TreeWatch::is_managed(const Place& place, const char* name) const {
  auto tree = trees_.find(place.role);
  return tree != trees_.end() && tree->second.names.count(hash(place.directory + name)) > 0;
}

void TreeWatch::read_events(std::unordered_set<std::string>& touched) {
  alignas(inotify_event) std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t size = ::read(inotify_.get(), buffer.data(), buffer.size());
    if (size <= 0) return;
    std::lock_guard lock(mutex_);
    for (const char* at = buffer.data(); at < buffer.data() + size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(at);
      at += sizeof(inotify_event) + event->len;
      if (event->mask & IN_Q_OVERFLOW) {
        for (const auto& [role, tree] : trees_) touched.insert(role);
      }
      auto places = places_.find(event->wd);
      if (places == places_.end() || (event->mask & IN_IGNORED)) continue;
      for (const Place& place : places->second) {
        const bool itself = event->mask & (IN_DELETE_SELF | IN_MOVE_SELF);
        if (itself || (event->len > 0 && is_managed(place, event->name))) {
          touched.insert(place.role);
        }
      }
    }
  }
}

void TreeWatch::run() {
  for (;;) {
    std::array<pollfd, 2> fds{{{inotify_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return;
    if (fds[1].revents) return;
    if (!fds[0].revents) continue;
    std::unordered_set<std::string> touched;
    read_events(touched);
    if (touched.empty()) continue;
    if (::poll(&fds[1], 1, kBurstMs) > 0) return;
    read_events(touched);
    for (const std::string& role : touched) on_change_(role);
  }
}

}  // namespace rolesync::agent
