// SPDX-License-Identifier: Apache-2.0
// The registry's thread: waits for changes of the plugin directories, looks again now and then, and
// tidies up. Owned by the registry.
#pragma once
#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <thread>
#include <vector>

#include "host/plugin/directory_watch.hpp"
#include "host/process/unique_fd.hpp"

namespace rolesync::plugin {

class Keeper {
 public:
  using milliseconds = std::chrono::milliseconds;
  struct Duties {
    std::function<void()> scan;  // the directories may have changed
    std::function<bool()> tidy;  // true: there are children to be looked at again soon
    std::vector<std::filesystem::path> directories;
    milliseconds rescan_interval, child_idle_limit;
  };
  explicit Keeper(Duties duties);
  ~Keeper();  // waits for a scan that is running

  void start();           // the thread; it tidies only
  void start_watching();  // from now on it scans too

 private:
  void run();
  bool wait_for_events(milliseconds nap);
  void watch_directories();
  void wake();

  const Duties duties_;
  DirectoryWatch watch_;
  UniqueFd wake_;
  std::atomic<bool> watching_{false}, stopping_{false};
  std::thread thread_;
};

}  // namespace rolesync::plugin
