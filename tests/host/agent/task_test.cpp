// SPDX-License-Identifier: Apache-2.0
// Tasks as they come in, and their records as they are kept.
#include "host/agent/task.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace rolesync::agent {
namespace {

Json valid() {
  return {{"task_id", "task_1"},
          {"job_id", "job_1"},
          {"role", {{"role_name", "web"}, {"target_path", "/srv/web"}, {"source_paths", {"web"}}}},
          {"role_revision", "rr1:x"},
          {"commit", std::string(40, 'a')},
          {"content_id", "rs1:" + std::string(64, 'b')},
          {"restart", true},
          {"first_install", "overlay"}};
}

TEST(Task, IsReadStrictly) {
  auto task = task_from_json(valid());
  ASSERT_TRUE(task.ok()) << task.error().message;
  EXPECT_TRUE(task->restart);
  EXPECT_EQ(task->first_install, FirstInstall::overlay);
  EXPECT_EQ(task->role.name, "web");
  struct Case {
    const char* key;
    Json value;
  };
  for (const Case& each :
       {Case{"task_id", "../x"}, Case{"task_id", ""}, Case{"commit", "HEAD"},
        Case{"content_id", "rs1:x"}, Case{"restart", "yes"}, Case{"first_install", "maybe"},
        Case{"role", Json::object()}, Case{"role", nullptr}}) {
    Json payload = valid();
    payload[each.key] = each.value;
    auto refused = task_from_json(payload);
    ASSERT_FALSE(refused.ok()) << each.key << " " << each.value;
    EXPECT_EQ(refused.error().reason, "invalid_command");
  }
}

TEST(TaskStore, RecordsComeBackWhole) {
  std::string directory = "/tmp/rolesync-tasks-XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  TaskStore store(directory + "/tasks");
  TaskRecord record;
  record.task = *task_from_json(valid());
  record.fence = 12;
  record.phase = TaskPhase::switching;
  record.position = {Step::restore_restart, true};
  record.had_release = true;
  record.old_role = record.task.role;
  record.old_commit = std::string(40, 'c');
  record.failure_reason = "health_check_failed";
  record.failure_message = "said \"no\"\n";
  record.next_sequence = 9;
  ASSERT_TRUE(store.save(record).ok());
  std::ofstream(directory + "/tasks/task_2.json") << "{cut";

  auto all = store.load_all();
  ASSERT_EQ(all.size(), 1u);  // the damaged one was set aside
  EXPECT_TRUE(std::filesystem::exists(directory + "/tasks/task_2.json.damaged"));
  EXPECT_EQ(record_to_text(all[0]), record_to_text(record));
  EXPECT_EQ(all[0].position.step, Step::restore_restart);
  EXPECT_TRUE(all[0].position.undo_trouble);
  EXPECT_EQ(all[0].old_role, record.old_role);
  store.remove("task_1");
  EXPECT_FALSE(store.load("task_1")->has_value());
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace rolesync::agent
