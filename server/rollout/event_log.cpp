// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/event_log.hpp"

#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "host/values/json.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/events.hpp"

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

}  // namespace

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

  const std::lock_guard lock(order_);
  const Result<std::int64_t> sequence =
      store_.write([&](store::Session& s) { return store::append_event(s, record); });
  spdlog::info(
      "event={} node={} role={} job={} task={} state={} reason={} request={} message=\"{}\"",
      happening.type, happening.node, happening.role, happening.job, happening.task,
      happening.state, happening.reason, happening.request_id, happening.message);
  if (sequence) {
    hub_.publish({static_cast<std::uint64_t>(*sequence), happening.type, record.data});
  } else {
    spdlog::error("event={} not stored: {}", happening.type, sequence.error().text());
  }
}

}  // namespace rolesync::rollout
