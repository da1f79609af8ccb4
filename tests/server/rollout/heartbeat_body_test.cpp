// SPDX-License-Identifier: Apache-2.0
// Heartbeats are read strictly: what would be missed silently is refused.
#include "server/rollout/heartbeat_body.hpp"

#include <gtest/gtest.h>

namespace rolesync::rollout {
namespace {

TEST(HeartbeatBody, TakesPartsAndHashes) {
  const auto beat = parse_heartbeat(R"({"sequence": 7, "boot_id": "b", "cpu_percent": 1.5,
      "memory_percent": null, "acknowledged": ["cmd_1"], "role_report": {"b": 1, "a": 2},
      "plugins_hash": "00", "definitions_etag": "e"})");
  ASSERT_TRUE(beat) << beat.error().text();
  EXPECT_EQ(beat->sequence, 7);
  EXPECT_EQ(beat->cpu_percent, 1.5);
  EXPECT_FALSE(beat->memory_percent);
  EXPECT_EQ(beat->parts.at("role_report"), R"({"a":2,"b":1})");  // the text that is hashed
  EXPECT_EQ(beat->hashes.at("plugins"), "00");
}

TEST(HeartbeatBody, RefusesWhatItDoesNotUnderstand) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"sequence": 1})", "/boot_id"},
      {R"({"boot_id": ""})", "/boot_id"},
      {R"({"boot_id": "b", "bootid": "b"})", "/bootid"},
      {R"({"boot_id": "b", "sequence": "1"})", "/sequence"},
      {R"({"boot_id": "b", "role_report": []})", "/role_report"},
      {R"({"boot_id": "b", "plugins": {}})", "/plugins"},
      {R"({"boot_id": "b", "acknowledged": [1]})", "/acknowledged"},
      {R"({"boot_id": "b", "role_report_hash": 1})", "/role_report_hash"},
      {R"({"boot_id": "b", "anything_hash": "x"})", "/anything_hash"},
  };
  for (const auto& [body, pointer] : cases) {
    const auto refused = parse_heartbeat(body);
    ASSERT_FALSE(refused) << body;
    EXPECT_EQ(refused.error().fields.at(0).pointer, pointer) << body;
  }
  EXPECT_FALSE(parse_heartbeat("[]").ok());
  EXPECT_EQ(parse_heartbeat("{").error().reason, "invalid_json");
}

}  // namespace
}  // namespace rolesync::rollout
