// SPDX-License-Identifier: Apache-2.0
// Server-sent events: one hub publishes, any number of browsers and CLIs follow. A follower that
// does not keep up is dropped and comes back with Last-Event-ID. Any thread.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/router.hpp"

namespace rolesync::http {

// One connection of a follower, made by the front. Writing never blocks.
class EventSink {
 public:
  virtual ~EventSink() = default;
  // False when the follower is gone or lags too far; it is then closed.
  virtual bool write(std::string_view bytes) = 0;
  virtual std::size_t room() const = 0;  // how much may be written before it lags too far
  virtual bool closed() const = 0;
  virtual void close() = 0;
};

struct Event {
  std::uint64_t id = 0;
  std::string type;  // "job", "node", ...
  std::string data;  // JSON text
};

struct EventHubOptions {
  std::size_t ring = 1'024;                     // events kept for those who come back
  std::chrono::milliseconds heartbeat{15'000};  // comment lines that keep connections alive
  std::uint64_t last_id = 0;                    // the highest id that was ever used
  std::size_t max_followers = 1'000;
  // Events after an id that the ring no longer holds, oldest first, up to an id (inclusive).
  std::function<std::vector<Event>(std::uint64_t after, std::uint64_t up_to)> older;
};

class EventHub {
 public:
  explicit EventHub(EventHubOptions options = {});
  ~EventHub();  // ends all followers
  EventHub(const EventHub&) = delete;
  EventHub& operator=(const EventHub&) = delete;

  // Returns the event's id. Never waits for followers.
  std::uint64_t publish(std::string type, std::string json);
  // The same for an event whose id was given by the store. Followers get events in the order of
  // publishing; one that comes back may see an event twice, and misses none.
  void publish(Event event);

  // Which events a follower may see; empty: all.
  using Filter = std::function<bool(const Event&)>;
  // The handler of an on_events route: replays what came after Last-Event-ID (header, or query
  // last_event_id), then follows. A refusal (503) when there are too many followers. An id that is
  // too old for ring and callback gets an event of type "gap" first.
  std::optional<Response> follow(const Request& request, std::shared_ptr<EventSink> sink,
                                 Filter filter = {});
  std::size_t followers() const;

 private:
  struct State;
  static void trim(State& state);
  std::shared_ptr<State> state_;
};

}  // namespace rolesync::http
