// SPDX-License-Identifier: Apache-2.0
// What the front's threads and connections share. Held alive by every connection, so that a Reply
// that somebody keeps longer than the front is harmless.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "server/http/front.hpp"
#include "server/http/head.hpp"
#include "server/http/stream_threads.hpp"
#include "server/http/timers.hpp"
#include "server/http/workers.hpp"

namespace rolesync::http {

class Connection;

// One epoll instance for all I/O threads. Everything in it is one-shot: whoever gets an event owns
// that descriptor until it watches it again.
class Watcher {
 public:
  Watcher();
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;
  int descriptor() const { return epoll_; }
  bool add(int descriptor, std::uint64_t id, std::uint32_t events) const;
  void watch(int descriptor, std::uint64_t id, std::uint32_t events) const;
  void forget(int descriptor) const;

 private:
  int epoll_;
};

struct FrontState {
  FrontState(FrontOptions given, const Router& routes);

  std::shared_ptr<Connection> find(std::uint64_t id) const;
  std::vector<std::shared_ptr<Connection>> all() const;
  void add(std::uint64_t id, std::shared_ptr<Connection> connection);
  void remove(std::uint64_t id);
  HeadLimits head_limits() const { return {options.limits.max_head, options.limits.max_fields}; }

  const FrontOptions options;
  const Router& router;
  Watcher watcher;
  Timers timers;
  Workers workers;
  StreamThreads streams;

  std::atomic<bool> stopping{false};
  std::atomic<std::size_t> buffered{0}, waiting{0}, event_streams{0};
  std::atomic<std::uint64_t> accepted{0}, requests{0};

  mutable std::mutex mutex;
  std::condition_variable removed;
  std::unordered_map<std::uint64_t, std::shared_ptr<Connection>> connections;
};

}  // namespace rolesync::http
