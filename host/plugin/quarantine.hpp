// SPDX-License-Identifier: Apache-2.0
// A content that failed three times within ten minutes is not called again until the file is
// replaced, somebody lifts it, or this process restarts. Any thread.
#pragma once
#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "host/values/timestamp.hpp"

namespace rolesync::plugin {

// The last thing that went wrong with a content.
struct Fault {
  std::string reason;  // plugin_fault, plugin_timeout, plugin_flood, plugin_memory
  std::string message;
  Millis at = 0;
};

class Quarantine {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t faults_allowed = 3;
  static constexpr std::chrono::minutes window{10};

  // True when this fault was the one that put the content into quarantine.
  bool record_fault(const std::string& sha256, Fault fault, Clock::time_point now = Clock::now());
  bool holds(const std::string& sha256) const;
  std::optional<Fault> last_fault(const std::string& sha256) const;

  // A clean start for this content. False when it was not held.
  bool lift(const std::string& sha256);

 private:
  struct Record {
    std::deque<Clock::time_point> faults;
    Fault last;
    bool held = false;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Record> records_;
};

}  // namespace rolesync::plugin
