// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/retention.hpp"

#include <algorithm>

#include "server/store/audit.hpp"
#include "server/store/commands.hpp"
#include "server/store/events.hpp"
#include "server/store/idempotency.hpp"
#include "server/store/jobs.hpp"
#include "server/store/plans.hpp"
#include "server/store/role_actions.hpp"

namespace rolesync::rollout {
namespace {

constexpr Millis day = Millis{24} * 3'600'000;
constexpr int jobs_at_once = 20;
constexpr std::int64_t events_at_once = 5'000;

Status forget_small(store::Session& session, Millis now) {
  for (const Status& done :
       {store::forget_commands(session, now - 7 * day), store::forget_answers(session, now - day),
        store::forget_plans(session, now - 30 * day),
        store::forget_role_actions(session, now - 30 * day)}) {
    if (!done) return done;
  }
  return {};
}

Status forget_jobs(store::Store& store, Millis before, const std::function<bool()>& stopping) {
  while (!stopping()) {
    const auto gone =
        store.write([&](store::Session& s) { return store::forget_jobs(s, before, jobs_at_once); });
    if (!gone) return gone.error();
    if (*gone < jobs_at_once) break;
  }
  return {};
}

Status forget_events(store::Store& store, const RetentionSettings& settings, Millis now,
                     const std::function<bool()>& stopping) {
  struct Range {
    std::int64_t first = 0, last = 0;
  };
  const auto old = store.read([&](store::Session& s) -> Result<Range> {
    const auto first = store::first_event(s);
    if (!first) return first.error();
    const auto last = store::last_event(s);
    if (!last) return last.error();
    const auto by_time = store::last_event_before(s, now - settings.events_days * day);
    if (!by_time) return by_time.error();
    return Range{*first, std::max(*by_time, *last - settings.most_events)};
  });
  if (!old) return old.error();
  for (std::int64_t at = old->first; at > 0 && at <= old->last && !stopping();) {
    at = std::min(at + events_at_once, old->last + 1);
    const Status gone =
        store.write([&](store::Session& s) { return store::forget_events(s, at - 1); });
    if (!gone) return gone;
  }
  return {};
}

}  // namespace

Status forget_old(store::Store& store, const RetentionSettings& settings, Millis now,
                  const std::function<bool()>& stopping) {
  const Status small = store.write([&](store::Session& s) { return forget_small(s, now); });
  if (!small) return small;
  if (Status gone = forget_jobs(store, now - settings.jobs_days * day, stopping); !gone) {
    return gone;
  }
  if (Status gone = forget_events(store, settings, now, stopping); !gone) return gone;
  if (settings.audit_days == 0) return {};
  const auto gone = store.write([&](store::Session& s) {
    return store::truncate_audit(s, now - settings.audit_days * day, now);
  });
  return gone ? Status{} : Status{gone.error()};
}

}  // namespace rolesync::rollout
