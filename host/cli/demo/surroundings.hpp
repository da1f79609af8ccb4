// SPDX-License-Identifier: Apache-2.0
// What the demo takes from the machine: a directory, ports, an environment, somebody's wish to
// stop. Any thread.
#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <string>

#include "host/process/child.hpp"
#include "host/values/result.hpp"

namespace rolesync::cli {

// Set by SIGINT, SIGTERM and SIGHUP once watch_signals() was called.
extern CancelFlag demo_stop;
void watch_signals();

// The same for every program of the demo: the search path and the temporary directory, no more.
std::map<std::string, std::string> demo_environment();

// A new private directory under TMPDIR, removed with everything in it unless keep() was called.
class DemoDirectory {
 public:
  static Result<DemoDirectory> create();
  DemoDirectory(DemoDirectory&& other) noexcept;
  DemoDirectory& operator=(DemoDirectory&&) = delete;
  ~DemoDirectory();
  const std::string& path() const { return path_; }
  void keep() { keep_ = true; }

 private:
  explicit DemoDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
  bool keep_ = false;
};

// A loopback port that is free now, below the ports the kernel gives to outgoing connections, so
// that it is still free when a service starts again.
Result<int> free_port();

// Looks until `condition` holds: true, or false when the time is over or somebody wants to stop.
bool wait_until(std::chrono::milliseconds limit, const std::function<bool()>& condition);

}  // namespace rolesync::cli
