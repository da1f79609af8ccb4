// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/directory_watch.hpp"

#include <sys/inotify.h>

namespace rolesync::plugin {

DirectoryWatch::DirectoryWatch() : inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}

void DirectoryWatch::add(const std::filesystem::path& directory) {
  if (!inotify_) return;
  ::inotify_add_watch(inotify_.get(), directory.c_str(),
                      IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB |
                          IN_CREATE | IN_ONLYDIR);
}

bool DirectoryWatch::drain() {
  alignas(inotify_event) char buffer[16'384];
  bool changed = false;
  ssize_t size;
  while ((size = ::read(inotify_.get(), buffer, sizeof buffer)) > 0) {
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      // A file that was only created is still being written; a directory has to be watched.
      const bool only_created_file =
          (event->mask & IN_CREATE) != 0 && (event->mask & IN_ISDIR) == 0;
      changed |= !only_created_file;
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
    }
  }
  return changed;
}

}  // namespace rolesync::plugin
