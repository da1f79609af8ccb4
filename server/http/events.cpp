// SPDX-License-Identifier: Apache-2.0
#include "server/http/events.hpp"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <thread>

namespace rolesync::http {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLaggingPause{20};  // before a lagging follower gets more

// An event as it goes out, formatted once for all followers.
struct Entry {
  Event event;
  std::string text;
};
using EntryPtr = std::shared_ptr<const Entry>;

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return text;
}

EntryPtr make_entry(Event event) {
  std::string text = "id: " + std::to_string(event.id) + "\nevent: " + one_line(event.type) + '\n';
  std::string_view rest = event.data;
  for (;;) {
    const std::size_t end = rest.find('\n');
    text += "data: " + one_line(std::string(rest.substr(0, end))) + '\n';
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  text += '\n';
  return std::make_shared<const Entry>(Entry{std::move(event), std::move(text)});
}

struct Follower {
  std::shared_ptr<EventSink> sink;
  EventHub::Filter filter;
  std::deque<EntryPtr> pending;  // replayed first
  std::uint64_t next = 0;        // position of the next live event

  bool may_see(const Event& event) const {
    try {
      return !filter || filter(event);
    } catch (...) {
      return false;
    }
  }
};

std::optional<std::uint64_t> last_event_id(const Request& request) {
  const auto header = request.headers.find("last-event-id");
  const auto query = request.query.find("last_event_id");
  std::string text;
  if (header != request.headers.end()) {
    text = header->second;
  } else if (query != request.query.end()) {
    text = query->second;
  }
  std::uint64_t id = 0;
  const auto [stop, failed] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (text.empty() || failed != std::errc{} || stop != text.data() + text.size()) return {};
  return id;
}

}  // namespace

struct EventHub::State {
  EventHubOptions options;

  // The ring. An event's position counts up from 0 in the order of publishing; first_position is
  // that of ring.front().
  std::mutex ring_mutex;
  std::condition_variable changed;
  std::deque<EntryPtr> ring;
  std::uint64_t first_position = 0, last_id = 0;
  std::uint64_t highest_dropped_id = 0;  // highest id that is not in the ring any more
  bool poked = false, stopping = false;

  // Taken before ring_mutex when both are. Sinks are written under it; they never wait.
  std::mutex followers_mutex;
  std::list<Follower> followers;

  std::thread thread;

  void run();
  bool serve_all(bool heartbeat);
  enum class Served { all, lagging, gone };
  Served serve(Follower& follower, const std::deque<EntryPtr>& live, std::uint64_t first);
  void begin(Follower& follower, std::optional<std::uint64_t> after);
};

// Gives a follower what it lacks, as far as it has room.
EventHub::State::Served EventHub::State::serve(Follower& follower, const std::deque<EntryPtr>& live,
                                               std::uint64_t first) {
  const auto give = [&](const Entry& entry) {
    if (follower.sink->room() < entry.text.size()) return Served::lagging;
    return follower.sink->write(entry.text) ? Served::all : Served::gone;
  };
  if (follower.sink->closed()) return Served::gone;
  for (; !follower.pending.empty(); follower.pending.pop_front()) {
    const Served served = give(*follower.pending.front());
    if (served != Served::all) return served;
  }
  if (follower.next < first) return Served::gone;  // what it lacks next is not kept any more
  for (; follower.next < first + live.size(); ++follower.next) {
    const Entry& entry = *live[follower.next - first];
    if (!follower.may_see(entry.event)) continue;
    const Served served = give(entry);
    if (served != Served::all) return served;
  }
  return Served::all;
}

// True when some follower lags.
bool EventHub::State::serve_all(bool heartbeat) {
  bool lagging = false;
  std::lock_guard lock(followers_mutex);
  std::deque<EntryPtr> live;
  std::uint64_t first = 0;
  {
    std::lock_guard inner(ring_mutex);
    std::uint64_t oldest = first_position + ring.size();
    for (const Follower& follower : followers) oldest = std::min(oldest, follower.next);
    first = std::max(oldest, first_position);
    live.assign(ring.begin() + static_cast<std::ptrdiff_t>(first - first_position), ring.end());
  }
  for (auto it = followers.begin(); it != followers.end();) {
    Served served = serve(*it, live, first);
    if (served == Served::all && heartbeat && !it->sink->write(":\n\n")) served = Served::gone;
    lagging = lagging || served == Served::lagging;
    if (served == Served::gone) {
      it->sink->close();
      it = followers.erase(it);
    } else {
      ++it;
    }
  }
  return lagging;
}

void EventHub::State::run() {
  auto next_heartbeat = Clock::now() + options.heartbeat;
  bool lagging = false;
  for (;;) {
    {
      std::unique_lock lock(ring_mutex);
      auto until = next_heartbeat;
      if (lagging) until = std::min(until, Clock::now() + kLaggingPause);
      changed.wait_until(lock, until, [&] { return poked || stopping; });
      if (stopping) return;
      poked = false;
    }
    const bool heartbeat = Clock::now() >= next_heartbeat;
    if (heartbeat) next_heartbeat = Clock::now() + options.heartbeat;
    lagging = serve_all(heartbeat);
  }
}

// Where a follower starts: live from now on, after what came since the id it saw last. A "gap"
// event stands for what is not known any more.
void EventHub::State::begin(Follower& follower, std::optional<std::uint64_t> after) {
  std::uint64_t dropped = 0;
  bool gap = false;
  {
    std::lock_guard lock(ring_mutex);
    follower.next = first_position + ring.size();
    if (!after) return;
    for (const EntryPtr& entry : ring) {
      if (entry->event.id > *after) follower.pending.push_back(entry);
    }
    dropped = highest_dropped_id;
    gap = *after > last_id;  // an id from another life of the database
  }
  if (*after < dropped) {
    std::vector<Event> older;
    if (options.older) older = options.older(*after, dropped);
    gap = older.empty() || older.front().id != *after + 1;
    for (auto it = older.rbegin(); it != older.rend(); ++it) {
      follower.pending.push_front(make_entry(std::move(*it)));
    }
  }
  std::erase_if(follower.pending,
                [&](const EntryPtr& entry) { return !follower.may_see(entry->event); });
  if (gap) follower.pending.push_front(make_entry({std::min(*after, dropped), "gap", "{}"}));
}

EventHub::EventHub(EventHubOptions options) : state_(std::make_shared<State>()) {
  state_->last_id = options.last_id;
  state_->highest_dropped_id = options.last_id;
  state_->options = std::move(options);
  state_->thread = std::thread([state = state_.get()] { state->run(); });
}

EventHub::~EventHub() {
  {
    std::lock_guard lock(state_->ring_mutex);
    state_->stopping = true;
    state_->changed.notify_all();
  }
  state_->thread.join();
  std::lock_guard lock(state_->followers_mutex);
  for (const Follower& follower : state_->followers) follower.sink->close();
  state_->followers.clear();
}

std::uint64_t EventHub::publish(std::string type, std::string json) {
  std::lock_guard lock(state_->ring_mutex);
  const std::uint64_t id = ++state_->last_id;
  state_->ring.push_back(make_entry({id, std::move(type), std::move(json)}));
  trim(*state_);
  return id;
}

void EventHub::publish(Event event) {
  EntryPtr entry = make_entry(std::move(event));
  std::lock_guard lock(state_->ring_mutex);
  state_->last_id = std::max(state_->last_id, entry->event.id);
  state_->ring.push_back(std::move(entry));
  trim(*state_);
}

void EventHub::trim(State& state) {
  while (state.ring.size() > state.options.ring) {
    state.highest_dropped_id = std::max(state.highest_dropped_id, state.ring.front()->event.id);
    state.ring.pop_front();
    ++state.first_position;
  }
  state.poked = true;
  state.changed.notify_one();
}

std::optional<Response> EventHub::follow(const Request& request, std::shared_ptr<EventSink> sink,
                                         Filter filter) {
  Follower follower{std::move(sink), std::move(filter), {}, 0};
  state_->begin(follower, last_event_id(request));
  std::lock_guard lock(state_->followers_mutex);
  std::erase_if(state_->followers, [](const Follower& f) { return f.sink->closed(); });
  if (state_->followers.size() >= state_->options.max_followers) {
    return problem({ErrorKind::unavailable, "too_many_followers",
                    "Too many clients follow the events already", "try again later"});
  }
  follower.sink->write("retry: 2000\n\n");
  state_->followers.push_back(std::move(follower));
  std::lock_guard inner(state_->ring_mutex);
  state_->poked = true;
  state_->changed.notify_one();
  return std::nullopt;
}

std::size_t EventHub::followers() const {
  std::lock_guard lock(state_->followers_mutex);
  return static_cast<std::size_t>(
      std::count_if(state_->followers.begin(), state_->followers.end(),
                    [](const Follower& f) { return !f.sink->closed(); }));
}

}  // namespace rolesync::http
