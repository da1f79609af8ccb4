// SPDX-License-Identifier: Apache-2.0
// Tells that something in the plugin directories may have changed: finished writing, moved in or
// out, deleted, made readable. Only a hint to look again; nothing is concluded from an event.
// Owned by one thread.
#pragma once
#include <filesystem>

#include "host/process/unique_fd.hpp"

namespace rolesync::plugin {

class DirectoryWatch {
 public:
  DirectoryWatch();
  // Watching a directory twice is one watch; one that does not exist is skipped. Call again later.
  void add(const std::filesystem::path& directory);
  int fd() const { return inotify_.get(); }  // readable when there are events; -1: not available
  bool drain();                              // true when an event asks for another look

 private:
  UniqueFd inotify_;
};

}  // namespace rolesync::plugin
