// SPDX-License-Identifier: Apache-2.0
// A store with something in it that is easily lost on the way to another one.
#pragma once
#include <gmock/gmock.h>

#include "server/store/audit.hpp"
#include "server/store/events.hpp"
#include "server/store/jobs.hpp"
#include "server/store/nodes.hpp"
#include "server/store/plans.hpp"
#include "server/store/store.hpp"

namespace rolesync::store {

// Rows with everything that could get lost on the way: NULLs, empty texts, quotes, large numbers,
// references.
inline void fill(Store& store, int nodes) {
  const Status filled = store.write([&](Session& s) -> Status {
    for (int i = 0; i < nodes; ++i) {
      Node node;
      node.id = "n" + std::to_string(i);
      node.credential_hash = "hash " + std::to_string(i);
      node.os_info = R"({"hostname":"it's \"odd\" ä € 😀","empty":""})";
      node.created_at = INT64_MAX - i;
      if (i % 2 == 0) node.last_seen_at = i;
      if (Status added = add_node(s, node); !added) return added;
    }
    if (Status st = add_plan(s, {.hash = "plan", .created_at = 1}); !st) return st;
    if (Status st = add_job(s, {.id = "job", .plan_hash = "plan", .state = "running"}); !st) {
      return st;
    }
    SyncTask task;
    task.id = "t1";
    task.job_id = "job";
    task.node = "n1";
    task.role = "web";
    task.state = "pending";
    if (Status st = add_task(s, task); !st) return st;
    if (const auto st = add_task_event(s, {.task_id = "t1", .sequence = 1, .state = "staging"});
        !st) {
      return st.error();
    }
    for (int i = 0; i < 3; ++i) {
      if (const auto st = append_audit(s, {.actor = "me", .action = "a"}); !st) return st.error();
      if (const auto st = append_event(s, {.kind = "k", .data = "{}"}); !st) return st.error();
    }
    return {};
  });
  ASSERT_TRUE(filled.ok()) << filled.error().text();
}

inline void expect_filled(Store& store, int nodes) {
  const auto all = store.read([](Session& s) { return list_nodes(s); });
  ASSERT_TRUE(all.ok()) << all.error().text();
  ASSERT_EQ(all->size(), static_cast<std::size_t>(nodes));
  const auto node = store.read([](Session& s) { return find_node(s, "n1"); });
  EXPECT_THAT(node->os_info, ::testing::HasSubstr("ä € 😀"));
  EXPECT_EQ(node->created_at, INT64_MAX - 1);
  EXPECT_FALSE(node->last_seen_at);
  EXPECT_EQ(store.read([](Session& s) { return events_of_task(s, "t1"); })->size(), 1u);
  EXPECT_EQ(*store.read([](Session& s) { return last_event(s); }), 3);
  const auto broken = store.read([](Session& s) { return check_audit(s); });
  EXPECT_TRUE(broken.ok() && !broken->broken_at) << "the chain holds";
  const auto next = store.write([](Session& s) { return append_event(s, {.kind = "k"}); });
  EXPECT_TRUE(next.ok() && *next == 4) << "numbers go on where they were";
}

}  // namespace rolesync::store
