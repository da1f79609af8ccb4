// SPDX-License-Identifier: Apache-2.0
// What happened, for people and tools that watch (GET /api/events, Last-Event-ID). Called inside
// Store::write or read.
#pragma once
#include <string>
#include <vector>

#include "host/values/timestamp.hpp"
#include "server/store/page.hpp"

namespace rolesync::store {

struct EventRecord {
  std::int64_t sequence = 0;  // given by the store, growing
  Millis at = 0;
  std::string kind;                           // "commit.received", "task.changed" ...
  std::string node, role, job, task, source;  // empty: not about one
  std::string data = "{}";                    // JSON
  std::string request_id;
};

Result<std::int64_t> append_event(Session& session, const EventRecord& event);
Result<std::vector<EventRecord>> events_after(Session& session, std::int64_t sequence,
                                              int limit = 500);  // oldest first
// Sorted by id, which is the sequence.
const ListColumns& event_list();
Result<Listed<EventRecord>> list_events(Session& session, const Page& page);
Result<std::int64_t> last_event(Session& session);   // 0: none
Result<std::int64_t> first_event(Session& session);  // 0: none; older ones were forgotten
Status forget_events(Session& session, std::int64_t up_to_sequence);
// The last event that is older, with all before it; 0: none is.
Result<std::int64_t> last_event_before(Session& session, Millis at);

}  // namespace rolesync::store
