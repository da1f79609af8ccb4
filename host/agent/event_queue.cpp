// SPDX-License-Identifier: Apache-2.0
#include "host/agent/event_queue.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "host/agent/log.hpp"
#include "host/services/durable_file.hpp"
#include "host/values/json.hpp"

namespace rolesync::agent {
namespace {

constexpr std::chrono::milliseconds kSpaceComesBack{300};

// "00000000000000000042.result" -> 42 and its kind; nothing for other files.
bool parse_name(const std::string& name, QueuedEvent& event) {
  if (name.size() < 22 || name[20] != '.') return false;
  const auto parsed = std::from_chars(name.data(), name.data() + 20, event.number);
  if (parsed.ec != std::errc() || parsed.ptr != name.data() + 20) return false;
  const std::string kind = name.substr(21);
  event.kind = kind == "result" ? EventKind::result : EventKind::progress;
  return kind == "result" || kind == "progress";
}

// A file appears under its final name before its bytes are safe when the power goes.
bool is_whole(const std::string& text) {
  return parse_json(text).ok();
}

Error unwritable(const std::string& why) {
  return {ErrorKind::unavailable, "queue_unwritable",
          "an event for the server is in memory only: " + why,
          "check space and permissions of the state directory"};
}

Error unreadable(const std::string& what, const std::string& why) {
  return {ErrorKind::failed, "queue_unreadable", "cannot read " + what + ": " + why,
          "check its owner, permissions and disk; it stays where it is"};
}

}  // namespace

std::unique_ptr<EventQueue> EventQueue::open(std::string directory, std::size_t limit) {
  std::unique_ptr<EventQueue> queue(new EventQueue(std::move(directory), limit));
  if (Status made = make_directories(queue->directory_); !made) {
    queue->complain(unwritable(made.error().message));
    return queue;
  }
  queue->load();
  return queue;
}

void EventQueue::load() {
  std::error_code failure;
  std::filesystem::directory_iterator entries(directory_, failure), end;
  for (; !failure && entries != end; entries.increment(failure)) {
    const std::string path = entries->path();
    QueuedEvent event;
    if (!parse_name(entries->path().filename(), event)) {
      ::unlink(path.c_str());
      continue;
    }
    next_ = std::max(next_, event.number + 1);
    if (!load_entry(path, std::move(event))) ::unlink(path.c_str());
  }
  if (failure && failure != std::errc::no_such_file_or_directory) {
    complain(unreadable(directory_, failure.message()));
  }
  std::sort(events_.begin(), events_.end(),
            [](const QueuedEvent& a, const QueuedEvent& b) { return a.number < b.number; });
}

// False when the file is good for nothing.
bool EventQueue::load_entry(const std::string& path, QueuedEvent event) {
  Result<std::optional<std::string>> text = read_if_there(path);
  if (!text) return complain(unreadable(path, text.error().message)), true;
  if (text->has_value() && is_whole(**text)) {
    event.text = std::move(**text);
    event.saved = true;
    events_.push_back(std::move(event));
    return true;
  }
  complain({ErrorKind::failed, "queue_entry_damaged", path + " was not written completely",
            "what it told is lost; the server sees the state of the node all the same"});
  return false;
}

// Holds mutex_, or is alone.
void EventQueue::complain(const Error& error) {
  if (!problem_ || problem_->reason != error.reason) {
    log_event(LogLevel::error, "queue.trouble",
              {{"reason", error.reason}, {"detail", error.text()}});
  }
  problem_ = error;
}

std::optional<Error> EventQueue::problem() const {
  std::lock_guard lock(mutex_);
  return problem_;
}

Status EventQueue::save(QueuedEvent& event) {
  Status written = event.kind == EventKind::result ? write_durably(path(event), event.text)
                                                   : write_whole(path(event), event.text);
  event.saved = written.ok();
  return written;
}

void EventQueue::save_again() {
  std::lock_guard lock(mutex_);
  if (!problem_ || problem_->reason != "queue_unwritable") return;
  if (!make_directories(directory_)) return;
  for (QueuedEvent& event : events_) {
    if (event.kind == EventKind::result && !event.saved && !save(event)) return;
  }
  problem_.reset();
}

bool EventQueue::wait_until_safe() {
  const auto in_memory_only = [this] {
    return std::any_of(events_.begin(), events_.end(), [](const QueuedEvent& event) {
      return event.kind == EventKind::result && !event.saved;
    });
  };
  while (true) {
    save_again();
    std::unique_lock lock(mutex_);
    if (!in_memory_only()) return true;
    if (changed_.wait_for(lock, kSpaceComesBack, [this] { return stopped_; })) return false;
  }
}

std::string EventQueue::path(const QueuedEvent& event) const {
  std::string number = std::to_string(event.number);
  number.insert(0, 20 - number.size(), '0');
  return directory_ + "/" + number + (event.kind == EventKind::result ? ".result" : ".progress");
}

void EventQueue::make_room() {
  while (events_.size() >= limit_) {
    auto oldest = std::find_if(events_.begin(), events_.end(), [](const QueuedEvent& event) {
      return event.kind == EventKind::progress;
    });
    if (oldest == events_.end()) return;  // results are kept whatever the limit says
    if (!std::exchange(full_, true)) {
      log_event(LogLevel::warning, "queue.full",
                {{"limit", std::to_string(limit_)},
                 {"detail", "the oldest progress events are dropped; results are kept"}});
    }
    ::unlink(path(*oldest).c_str());
    events_.erase(oldest);
  }
}

Status EventQueue::add(EventKind kind, std::string text) {
  std::lock_guard lock(mutex_);
  make_room();
  QueuedEvent event{next_++, kind, std::move(text)};
  Status written = save(event);
  if (!written) {
    written = unwritable(written.error().message);
    complain(written.error());
  }
  // Even when the disk refuses it, the event is sent as long as this process lives.
  events_.push_back(std::move(event));
  changed_.notify_all();
  return written;
}

std::vector<QueuedEvent> EventQueue::oldest(std::size_t count) const {
  std::lock_guard lock(mutex_);
  const auto end = events_.begin() + static_cast<std::ptrdiff_t>(std::min(count, events_.size()));
  return {events_.begin(), end};
}

void EventQueue::drop(const std::vector<QueuedEvent>& events) {
  std::lock_guard lock(mutex_);
  for (const QueuedEvent& sent : events) {
    auto it = std::find_if(events_.begin(), events_.end(),
                           [&](const QueuedEvent& event) { return event.number == sent.number; });
    if (it == events_.end()) continue;
    ::unlink(path(*it).c_str());
    events_.erase(it);
  }
  if (events_.size() < limit_) full_ = false;
}

std::size_t EventQueue::size() const {
  std::lock_guard lock(mutex_);
  return events_.size();
}

bool EventQueue::all_carried() const {
  std::lock_guard lock(mutex_);
  return events_.empty() || events_.back().number <= carried_;
}

bool EventQueue::wait_for_events(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  const auto waits = [this] { return !events_.empty() && events_.back().number > carried_; };
  changed_.wait_for(lock, limit, [&] { return stopped_ || waits(); });
  return !stopped_ && waits();
}

void EventQueue::reserve() {
  std::lock_guard lock(mutex_);
  carried_ = UINT64_MAX;
}

void EventQueue::carry(const std::vector<QueuedEvent>& events) {
  std::lock_guard lock(mutex_);
  carried_ = events.empty() ? 0 : events.back().number;
  changed_.notify_all();
}

void EventQueue::put_down() {
  std::lock_guard lock(mutex_);
  carried_ = 0;
  changed_.notify_all();
}

bool EventQueue::linger(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, time, [this] { return stopped_; });
}

void EventQueue::stop() {
  std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

}  // namespace rolesync::agent
