// SPDX-License-Identifier: Apache-2.0
// Points in time at which something wants to be looked at, behind one descriptor that becomes
// readable when the first is due. Entries are never removed: whoever is looked at too early says
// so and sets a later one. Any thread.
#pragma once
#include <cstdint>
#include <mutex>
#include <queue>
#include <utility>
#include <vector>

#include "host/stream/channel.hpp"

namespace rolesync::http {

class Timers {
 public:
  Timers();
  ~Timers();
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  int descriptor() const { return descriptor_; }
  void at(Deadline when, std::uint64_t id);
  std::vector<std::uint64_t> due();

 private:
  void arm();

  using Entry = std::pair<Deadline, std::uint64_t>;
  int descriptor_;
  std::mutex mutex_;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> entries_;
};

}  // namespace rolesync::http
