// SPDX-License-Identifier: Apache-2.0
// Hears from the kernel which managed files somebody touches, so that an unchanged tree need not be
// walked to know that it is unchanged. Only names of managed files and directories count: a log
// beside them is nobody's business. Owns one thread; any thread may ask.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "host/activation/manifest.hpp"
#include "host/process/unique_fd.hpp"

namespace rolesync::agent {

// What has happened to a tree since it was asked for last.
struct Touched {
  bool everything = false;  // more than can be named
  bool broken = false;      // directories came or went: watch() again to hear all of it
  std::set<std::string> paths;
};

class TreeWatch {
 public:
  // `on_change` is called from the watch's thread, at most once per burst, with a role of which
  // something was touched.
  explicit TreeWatch(std::function<void(const std::string& role)> on_change);
  ~TreeWatch();

  // From now on hears of this tree for `role`, of which `manifest` names the managed files. False
  // when the kernel does not watch all of it (limits): then the caller has to look by itself.
  bool watch(const std::string& role, const std::string& target, const Manifest& manifest);
  void forget(const std::string& role);

  // Everything up to this call: the kernel tells of a touch before it returns to who did it.
  Touched take_touched(const std::string& role);

 private:
  struct Place {  // one watched directory, as one role sees it
    std::string role;
    std::string directory;  // relative to the target, "" or ending in '/'
  };
  struct Tree {
    std::string target;
    std::map<std::string, int> directories;   // with the id of their watch
    std::unordered_set<std::uint64_t> names;  // hashes of the managed paths and their directories
    Touched touched;
  };
  void run();
  void read_events(std::set<std::string>& roles);
  void note(const Place& place, std::uint32_t mask, const char* name, std::set<std::string>& roles);
  void unwatch(const std::string& role, int id);

  std::function<void(const std::string&)> on_change_;
  UniqueFd inotify_, wake_;
  std::mutex mutex_;
  std::map<int, std::vector<Place>> places_;
  std::map<std::string, Tree> trees_;
  std::thread thread_;
};

}  // namespace rolesync::agent
