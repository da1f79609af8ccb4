// SPDX-License-Identifier: Apache-2.0
// Events on their way to the server, one file each, in order, across restarts. Bounded: when it is
// full the oldest progress event goes; results never do. A disk that does not take or give them is
// said in problem() and the log, and stops nothing. Any thread.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "host/values/result.hpp"

namespace rolesync::agent {

enum class EventKind { progress, result };

struct QueuedEvent {
  std::uint64_t number = 0;
  EventKind kind = EventKind::progress;
  std::string text;  // the event's JSON
  bool saved = false;
};

class EventQueue {
 public:
  // Takes up what an earlier process left. Half-written files are dropped, unreadable ones stay.
  static std::unique_ptr<EventQueue> open(std::string directory, std::size_t limit);

  // On return a result is on the disk; progress is in a file. With an error it is in memory only:
  // it is sent all the same, and saved when the disk can take it again.
  Status add(EventKind kind, std::string text);
  // Writes the results that the disk has refused.
  void save_again();
  // Waits until every result is on the disk or has been sent; false when stop() came first.
  bool wait_until_safe();
  // What is wrong with the directory: queue_unwritable, queue_unreadable, queue_entry_damaged.
  std::optional<Error> problem() const;

  // The oldest ones, at most `count`; they stay until drop().
  std::vector<QueuedEvent> oldest(std::size_t count) const;
  void drop(const std::vector<QueuedEvent>& events);
  std::size_t size() const;
  // Nothing waits for somebody to carry it.
  bool all_carried() const;

  // True when there is something to send that nobody carries; false when `stop()` was called or the
  // time is over. Whoever is about to carry events says so; with them on the way it calls carry(),
  // in the end drop() for what has arrived, and put_down().
  bool wait_for_events(std::chrono::milliseconds limit);
  void reserve();
  void carry(const std::vector<QueuedEvent>& events);
  void put_down();
  // Sleeps; false when stop() was called.
  bool linger(std::chrono::milliseconds time);
  void stop();

 private:
  EventQueue(std::string directory, std::size_t limit)
      : directory_(std::move(directory)), limit_(limit) {}
  void load();
  bool load_entry(const std::string& path, QueuedEvent event);
  Status save(QueuedEvent& event);
  void complain(const Error& error);
  std::string path(const QueuedEvent& event) const;
  void make_room();

  const std::string directory_;
  const std::size_t limit_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<QueuedEvent> events_;
  std::uint64_t next_ = 1;
  std::uint64_t carried_ = 0;  // events up to this number are on their way already
  bool stopped_ = false;
  bool full_ = false;  // progress is being dropped
  std::optional<Error> problem_;
};

}  // namespace rolesync::agent
