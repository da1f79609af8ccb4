// SPDX-License-Identifier: Apache-2.0
#include "host/agent/event_queue.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "host/services/durable_file.hpp"
#include "host/values/json.hpp"

namespace rolesync::agent {
namespace {

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

Status write_progress(const std::string& path, const std::string& text) {
  const std::string temporary = path + ".new";
  std::FILE* file = std::fopen(temporary.c_str(), "we");
  const bool written = file && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const bool closed = file && std::fclose(file) == 0;
  if (written && closed && std::rename(temporary.c_str(), path.c_str()) == 0) return {};
  ::unlink(temporary.c_str());
  return Error{ErrorKind::unavailable, "state_unwritable", "cannot write " + path,
               "check space and permissions of the state directory"};
}

}  // namespace

Result<std::unique_ptr<EventQueue>> EventQueue::open(std::string directory, std::size_t limit) {
  if (Status made = make_directories(directory); !made) return made.error();
  std::unique_ptr<EventQueue> queue(new EventQueue(std::move(directory), limit));
  if (Status loaded = queue->load(); !loaded) return loaded.error();
  return queue;
}

Status EventQueue::load() {
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, failure)) {
    QueuedEvent event;
    if (!parse_name(entry.path().filename(), event)) {
      ::unlink(entry.path().c_str());
      continue;
    }
    next_ = std::max(next_, event.number + 1);
    Result<std::optional<std::string>> text = read_if_there(entry.path());
    if (!text) return text.error();
    if (text->has_value() && is_whole(**text)) {
      event.text = std::move(**text);
      events_.push_back(std::move(event));
    } else {
      ::unlink(entry.path().c_str());
    }
  }
  if (failure) {
    return Error{ErrorKind::failed, "state_unreadable",
                 "cannot read " + directory_ + ": " + failure.message()};
  }
  std::sort(events_.begin(), events_.end(),
            [](const QueuedEvent& a, const QueuedEvent& b) { return a.number < b.number; });
  return {};
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
    ::unlink(path(*oldest).c_str());
    events_.erase(oldest);
  }
}

Status EventQueue::add(EventKind kind, std::string text) {
  std::lock_guard lock(mutex_);
  make_room();
  QueuedEvent event{next_++, kind, std::move(text)};
  Status written = kind == EventKind::result ? write_durably(path(event), event.text)
                                             : write_progress(path(event), event.text);
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
}

std::size_t EventQueue::size() const {
  std::lock_guard lock(mutex_);
  return events_.size();
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
