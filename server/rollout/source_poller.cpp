// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/source_poller.hpp"

#include <spdlog/spdlog.h>

namespace rolesync::rollout {
namespace {

constexpr Millis between_looks = 2'000;  // at the list of sources

}  // namespace

Millis SourcePoller::next(std::int64_t seconds, Millis after) {
  const Millis interval = seconds * 1000;
  std::uniform_int_distribution<Millis> spread(-interval / 10, interval / 10);
  return after + interval + spread(random_);
}

void SourcePoller::tick(Millis now) {
  // A clock that was put back would otherwise stop this for as long.
  if (now >= looked_at_ && now - looked_at_ < between_looks) return;
  looked_at_ = now;
  const auto sources = store_.read([](store::Session& s) { return store::list_sources(s); });
  if (!sources) {
    spdlog::warn("code sources not looked at: {}", sources.error().text());
    return;
  }
  std::map<std::string, Turn> turns;
  for (const store::CodeSource& source : *sources) {
    if (source.poll_seconds == 0) continue;
    const auto known = turns_.find(source.name);
    Turn turn{source.poll_seconds, 0};
    if (known == turns_.end() || known->second.seconds != source.poll_seconds ||
        known->second.due > now + 2 * source.poll_seconds * 1000) {
      turn.due = next(source.poll_seconds, now);
    } else if (known->second.due <= now) {
      turn.due = next(source.poll_seconds, now);
      poll_(source.name);
    } else {
      turn.due = known->second.due;
    }
    turns.emplace(source.name, turn);
  }
  turns_ = std::move(turns);
}

}  // namespace rolesync::rollout
