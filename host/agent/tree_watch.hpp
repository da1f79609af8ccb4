// SPDX-License-Identifier: Apache-2.0
// Hears from the kernel when somebody touches a managed file, so that an unchanged tree need not be
// walked to know that it is unchanged. Only names of managed files and directories count: a log
// beside them is nobody's business. Owns one thread.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "host/activation/manifest.hpp"
#include "host/process/unique_fd.hpp"

namespace rolesync::agent {

class TreeWatch {
 public:
  // Called from the watch's thread, at most once per burst, with a role of which something changed.
  explicit TreeWatch(std::function<void(const std::string& role)> on_change);
  ~TreeWatch();

  // Watches this tree for `role` instead of what it watched before. False when the kernel does not
  // watch all of it (limits): then the caller has to look by itself.
  bool watch(const std::string& role, const std::string& target, const Manifest& manifest);
  void forget(const std::string& role);

 private:
  struct Place {  // one watched directory, as one role sees it
    std::string role;
    std::string directory;  // relative to the target, "" or ending in '/'
  };
  struct Tree {
    std::vector<int> watches;
    std::unordered_set<std::uint64_t> names;  // hashes of the managed paths and their directories
  };
  void run();
  void read_events(std::unordered_set<std::string>& touched);
  bool is_managed(const Place& place, const char* name) const;
  void drop(const std::string& role);

  std::function<void(const std::string&)> on_change_;
  UniqueFd inotify_, wake_;
  std::mutex mutex_;
  std::map<int, std::vector<Place>> places_;
  std::map<std::string, Tree> trees_;
  std::thread thread_;
};

}  // namespace rolesync::agent
