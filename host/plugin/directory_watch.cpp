// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/directory_watch.hpp"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace rolesync::plugin {
namespace {

constexpr std::uint32_t what_files_do =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | IN_CREATE | IN_ONLYDIR;
// Added to what a directory is watched for already.
constexpr std::uint32_t what_comes = IN_CREATE | IN_MOVED_TO | IN_ONLYDIR | IN_MASK_ADD;

constexpr int most_steps = 100;

// A link is complete when it is made; of other files only the end of writing tells.
bool is_link(const std::filesystem::path& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0 && (S_ISLNK(found.st_mode) || found.st_nlink > 1);
}

}  // namespace

DirectoryWatch::DirectoryWatch() : inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}

void DirectoryWatch::add(const std::filesystem::path& directory) {
  if (!inotify_) return;
  const std::lock_guard lock(mutex_);
  auto place = directory, missing = directory;
  for (int step = 0; step < most_steps; ++step) {
    const bool whole = place == directory;
    const int watch =
        ::inotify_add_watch(inotify_.get(), place.c_str(), whole ? what_files_do : what_comes);
    if (watch >= 0 && whole) whole_[watch] = place;
    if (watch < 0) {
      if (errno != ENOENT || !place.has_relative_path()) return;
      missing = place;
      place = place.parent_path();
    } else if (whole || ::access(missing.c_str(), F_OK) != 0) {
      return;
    } else {
      place = missing = directory;  // it came between the two
    }
  }
}

bool DirectoryWatch::drain() {
  alignas(inotify_event) char buffer[16'384];
  bool changed = false;
  ssize_t size;
  while ((size = ::read(inotify_.get(), buffer, sizeof buffer)) > 0) {
    const std::lock_guard lock(mutex_);
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      const bool of_directory = (event->mask & IN_ISDIR) != 0;
      const auto whole = whole_.find(event->wd);
      if (whole == whole_.end()) {
        changed |= of_directory;
      } else if ((event->mask & IN_IGNORED) != 0) {
        whole_.erase(whole);
        changed = true;
      } else {
        const bool created_file = (event->mask & IN_CREATE) != 0 && !of_directory;
        changed |= !created_file || is_link(whole->second / event->name);
      }
    }
  }
  return changed;
}

}  // namespace rolesync::plugin
