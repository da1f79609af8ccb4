// SPDX-License-Identifier: Apache-2.0
// A content that failed three times within ten minutes is not called again until the file is
// replaced or this process restarts. Any thread.
#pragma once
#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <string>

namespace rolesync::plugin {

class Quarantine {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t faults_allowed = 3;
  static constexpr std::chrono::minutes window{10};

  // True when this fault was the one that put the content into quarantine.
  bool record_fault(const std::string& sha256, Clock::time_point now = Clock::now());
  bool holds(const std::string& sha256) const;

 private:
  struct Record {
    std::deque<Clock::time_point> faults;
    bool held = false;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Record> records_;
};

}  // namespace rolesync::plugin
