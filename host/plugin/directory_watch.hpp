// SPDX-License-Identifier: Apache-2.0
// Tells that something in the plugin directories may have changed: finished writing, moved in or
// out, deleted, made readable. Only a hint to look again; nothing is concluded from an event.
// add() from any thread, the rest by one.
#pragma once
#include <filesystem>
#include <map>
#include <mutex>

#include "host/process/unique_fd.hpp"

namespace rolesync::plugin {

class DirectoryWatch {
 public:
  DirectoryWatch();
  // Watching a directory twice is one watch. For one that does not exist the nearest directory
  // above it is watched, for directories that come; call again after an event.
  void add(const std::filesystem::path& directory);
  int fd() const { return inotify_.get(); }  // readable when there are events; -1: not available
  bool drain();                              // true when an event asks for another look

 private:
  UniqueFd inotify_;
  std::mutex mutex_;
  // Watches of plugin directories; the others are of what lies above them.
  std::map<int, std::filesystem::path> whole_;
};

}  // namespace rolesync::plugin
