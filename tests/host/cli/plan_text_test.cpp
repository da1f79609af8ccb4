// SPDX-License-Identifier: Apache-2.0
#include "host/cli/plan_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace rolesync::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kOld(40, '1'), kNew(40, '2');

Json sample_plan() {
  return {{"plan_hash", "ph1:abc"},
          {"changes", 1},
          {"blocked", 1},
          {"rows",
           {{{"role", "frontend"},
             {"node", "node-1"},
             {"from", {{"commit", kOld}, {"content_id", "rs1:a"}}},
             {"to", {{"commit", kNew}, {"content_id", "rs1:b"}}},
             {"change", "content"},
             {"files_added", 1},
             {"files_changed", 2},
             {"files_removed", 0},
             {"bytes", 2048},
             {"restart", false},
             {"restart_reason", "auto_restart_off"},
             {"gate", "none"},
             {"blockers",
              {{{"reason", "target_not_empty"},
                {"message", "/srv/x has files"},
                {"hint", "use --first-install overlay"},
                {"severity", "blocker"}}}}}}},
          {"files",
           {{{"role", "frontend"},
             {"from_content_id", "rs1:a"},
             {"to_content_id", "rs1:b"},
             {"added", {{{"path", "a\033.txt"}, {"size_bytes", 10}, {"mode", "100755"}}}},
             {"changed", Json::array()},
             {"removed", {{{"path", "gone.txt"}, {"size_bytes", 3}, {"mode", "100644"}}}}}}},
          {"commits", {{{"commit", kNew}, {"message", "Make it better\n\nlong text"}}}}};
}

TEST(PlanText, SaysFromToFilesRestartAndWhy) {
  const std::string text = plan_text(sample_plan(), {});
  EXPECT_THAT(text, HasSubstr("plan ph1:abc"));
  EXPECT_THAT(text, HasSubstr("11111111  22222222  content  +1 ~2  2.0 KiB"));
  EXPECT_THAT(text, HasSubstr("no: auto restart off"));
  EXPECT_THAT(text, HasSubstr("22222222 Make it better\n"));
}

TEST(PlanText, SaysWhatBlocksAndWhatToDo) {
  const std::string text = plan_text(sample_plan(), {});
  EXPECT_THAT(text, HasSubstr("blocked  frontend on node-1: /srv/x has files [target_not_empty]"));
  EXPECT_THAT(text, HasSubstr("-> use --first-install overlay"));
}

TEST(PlanText, SaysWhichCommandsRun) {
  Json plan = sample_plan();
  EXPECT_THAT(plan_text(plan, {}), Not(HasSubstr("runs commands")));
  plan["rows"][0]["commands"] = {"drain_cmd", "post_sync_cmd"};
  EXPECT_THAT(plan_text(plan, {}), HasSubstr("frontend runs commands: drain_cmd, post_sync_cmd\n"));
}

TEST(PlanText, ListsFilesSafely) {
  const std::string text = plan_text(sample_plan(), {});
  EXPECT_THAT(text, HasSubstr("+ a\\x1b.txt  10 B  executable"));
  EXPECT_THAT(text, HasSubstr("- gone.txt\n"));
}

TEST(PlanText, LongListsAreCutUnlessAsked) {
  Json plan = sample_plan();
  Json& added = plan["files"][0]["added"];
  for (int i = 0; i < 40; ++i)
    added.push_back({{"path", "f" + std::to_string(i)}, {"size_bytes", 1}, {"mode", "100644"}});
  EXPECT_THAT(plan_text(plan, {}), HasSubstr("more (--all-files)"));
  EXPECT_THAT(plan_text(plan, {}), Not(HasSubstr("f39")));
  EXPECT_THAT(plan_text(plan, {.all_files = true}), HasSubstr("f39"));
}

// Another version's server must not crash us.
TEST(PlanText, SurvivesAnAnswerOfAnotherShape) {
  for (const Json& odd : {Json(nullptr), Json::array({1}), Json{{"rows", 7}},
                          Json{{"rows", {1, nullptr, {{"from", "x"}, {"blockers", 3}}}}}})
    EXPECT_THAT(plan_text(odd, {}), HasSubstr("ROLE"));
}

}  // namespace
}  // namespace rolesync::cli
