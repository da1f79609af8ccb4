// SPDX-License-Identifier: Apache-2.0
// Task events: order, limits, and what would otherwise be sent for ever.
#include "server/rollout/task_events.hpp"

#include <gtest/gtest.h>

namespace rolesync::rollout {
namespace {

TEST(TaskEvents, AreTakenInTheOrderOfTheirSequence) {
  const auto events = parse_task_events(R"({"boot_id": "b", "events": [
      {"task_id": "t", "fence": 3, "sequence": 2, "state": "succeeded", "restart_pending": true,
       "release": {"content_id": "rs1:x", "version": null}},
      {"task_id": "t", "fence": 3, "sequence": 1, "state": "checking", "step": "health",
       "at": "2026-11-23T13:00:00Z"}]})",
                                        42);
  ASSERT_TRUE(events) << events.error().text();
  EXPECT_EQ((*events)[0].report.state, domain::TaskState::checking);
  EXPECT_NE((*events)[0].record.at, 42);
  EXPECT_EQ((*events)[1].record.at, 42);  // the agent said no time
  EXPECT_TRUE((*events)[1].release->restart_pending);
  EXPECT_EQ((*events)[1].release->content_id, "rs1:x");
}

TEST(TaskEvents, OutputIsBoundedAndNulIsDropped) {
  const std::string output(100'000, 'x');
  const auto events = parse_task_events(
      R"({"events": [{"task_id": "t", "sequence": 0, "state": "failed", "message": "a\u0000b",
          "output": ")" +
          output + R"("}]})",
      1);
  ASSERT_TRUE(events) << events.error().text();
  EXPECT_EQ((*events)[0].record.message, "ab");
  EXPECT_EQ((*events)[0].record.output.size(), 64u << 10);
}

TEST(TaskEvents, RefusesWhatItDoesNotUnderstand) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({})", "/events"},
      {R"({"events": [1]})", "/events/0"},
      {R"({"events": [{"sequence": 1, "state": "failed"}]})", "/events/0/task_id"},
      {R"({"events": [{"task_id": "t", "state": "failed"}]})", "/events/0/sequence"},
      {R"({"events": [{"task_id": "t", "sequence": 1, "state": "odd"}]})", "/events/0/state"},
  };
  for (const auto& [body, pointer] : cases) {
    const auto refused = parse_task_events(body, 1);
    ASSERT_FALSE(refused) << body;
    EXPECT_EQ(refused.error().fields.at(0).pointer, pointer) << body;
  }
}

}  // namespace
}  // namespace rolesync::rollout
