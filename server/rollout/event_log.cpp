// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/event_log.hpp"

#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "host/values/json.hpp"
#include "server/rollout/wall_clock.hpp"

namespace rolesync::rollout {
namespace {

std::string event_json(const Happening& happening, Millis at) {
  Json json = {{"type", happening.type}, {"at", to_rfc3339(at)}, {"message", happening.message}};
  const std::pair<const char*, const std::string&> optional[] = {
      {"node_id", happening.node}, {"role_name", happening.role}, {"job_id", happening.job},
      {"task_id", happening.task}, {"source", happening.source},  {"commit", happening.commit},
      {"state", happening.state},  {"reason", happening.reason}};
  for (const auto& [field, value] : optional) {
    if (!value.empty()) json[field] = value;
  }
  return to_text(json);
}

// More than this waits for the disk only when there is something wrong with it.
constexpr std::size_t most_waiting = 50'000;

}  // namespace

EventLog::EventLog(store::Store& store, http::EventHub& hub) : store_(store), hub_(hub) {
  const auto last = store_.read([](store::Session& s) { return store::last_event(s); });
  if (last) told_ = *last;
  thread_ = std::thread([this] { run(); });
}

EventLog::~EventLog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_one();
  thread_.join();
}

void EventLog::publish(const Happening& happening) {
  store::EventRecord record;
  record.at = now_millis();
  record.kind = happening.type;
  record.node = happening.node;
  record.role = happening.role;
  record.job = happening.job;
  record.task = happening.task;
  record.source = happening.source;
  record.data = event_json(happening, record.at);
  record.request_id = happening.request_id;
  spdlog::info(
      "event={} node={} role={} job={} task={} state={} reason={} request={} message=\"{}\"",
      happening.type, happening.node, happening.role, happening.job, happening.task,
      happening.state, happening.reason, happening.request_id, happening.message);
  std::unique_lock lock(mutex_);
  room_.wait(lock, [this] { return waiting_.size() < most_waiting; });
  waiting_.push_back(std::move(record));
  arrived_.notify_one();
}

void EventLog::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    arrived_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const std::vector<store::EventRecord> records = std::exchange(waiting_, {});
    room_.notify_all();
    lock.unlock();
    write(records);
    lock.lock();
  }
}

void EventLog::write(const std::vector<store::EventRecord>& records) {
  std::vector<std::int64_t> sequences;
  const Status written = store_.write([&](store::Session& session) -> Status {
    sequences.clear();
    for (const store::EventRecord& record : records) {
      const auto sequence = store::append_event(session, record);
      if (!sequence) return sequence.error();
      sequences.push_back(*sequence);
    }
    return session.tell("events", "");
  });
  if (!written) {
    spdlog::error("{} events not stored: {}", records.size(), written.error().text());
    return;
  }
  if (store_.shared()) return follow();
  for (std::size_t i = 0; i < records.size(); ++i) {
    hub_.publish({static_cast<std::uint64_t>(sequences[i]), records[i].kind, records[i].data});
  }
}

void EventLog::follow() {
  constexpr int page = 1'000;
  const std::lock_guard lock(following_);
  while (true) {
    const auto records =
        store_.read([this](store::Session& s) { return store::events_after(s, told_, page); });
    if (!records) return;  // the next one tells them
    for (const store::EventRecord& record : *records) {
      told_ = record.sequence;
      hub_.publish({static_cast<std::uint64_t>(record.sequence), record.kind, record.data});
    }
    if (records->size() < page) return;
  }
}

}  // namespace rolesync::rollout
