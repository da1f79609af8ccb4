// SPDX-License-Identifier: Apache-2.0
#include "host/agent/event_sender.hpp"

#include <nlohmann/json.hpp>

#include "host/agent/contact.hpp"
#include "host/agent/log.hpp"

namespace rolesync::agent {
namespace {

constexpr std::size_t kBatch = 50;
// Most events are followed by a heartbeat at once, which costs nothing more with them in it.
constexpr std::chrono::milliseconds kLinger{40};

// Would be refused again and again, and block everything behind it. Only our server's own word for
// it counts: whatever else answers at its address must not make us forget a result.
bool is_final_refusal(const Error& error) {
  return error.reason == "invalid_task_event" || error.reason == "task_of_other_node" ||
         error.reason == "body_too_large" || error.reason == "invalid_json";
}

// Not a 2xx of something else.
bool is_taken(const Result<Json>& answer) {
  return answer && answer->is_object() && answer->contains("accepted");
}

}  // namespace

EventSender::EventSender(EventQueue& queue, ServerLink& link) : queue_(queue), link_(link) {}

EventSender::~EventSender() {
  queue_.stop();
  if (thread_.joinable()) thread_.join();
}

void EventSender::start() {
  thread_ = std::thread([this] { run(); });
}

void EventSender::run() {
  Backoff backoff;
  std::size_t batch = kBatch;
  const auto pause = [&](const Error& error) {
    return link_.pause(backoff.next(longest_pause(standing_of(error))));
  };
  while (!link_.stopping()) {
    if (!queue_.wait_for_events(std::chrono::seconds(60))) continue;
    if (!queue_.linger(kLinger) || !queue_.wait_for_events(std::chrono::seconds(0))) continue;
    const auto client = link_.borrow();
    if (!client) {
      pause(client.error());
      continue;
    }
    const std::vector<QueuedEvent> events = queue_.oldest(batch);
    Json list = Json::array();
    for (const QueuedEvent& event : events) list.push_back(*parse_json(event.text));
    Result<Json> answer = (*client)->post(
        link_.node_path("task-events"), {{"boot_id", link_.boot_id()}, {"events", std::move(list)}},
        std::chrono::seconds(30));
    if (is_taken(answer)) {
      queue_.drop(events);
      backoff.reset();
      batch = kBatch;
    } else if (answer || !is_final_refusal(answer.error())) {
      if (!pause(answer ? Error{} : answer.error())) return;
    } else {
      // One of them is not understood: find it by sending them one by one.
      if (events.size() == 1) {
        log_event(LogLevel::error, "events.refused",
                  {{"detail", answer.error().text()}, {"event", events[0].text}});
        queue_.drop(events);
      }
      batch = 1;
    }
  }
}

}  // namespace rolesync::agent
