// SPDX-License-Identifier: Apache-2.0
#include "host/cli/plugin/markdown.hpp"

#include <gmock/gmock.h>

namespace rolesync::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(PluginMarkdown, SaysWhatTheDescriptorSays) {
  const auto descriptor = plugin::parse_descriptor(R"({
    "name": "sv", "version": "1.2.3", "provides": [{
      "kind": "restart_strategy", "id": "sv", "summary": "services | of sv", "threads": "parallel",
      "needs": ["process.run"], "timeouts": {"start": 30}, "options": {
        "wait": {"type": "integer", "minimum": 1, "maximum": 9, "default": 3, "help": "how long"},
        "mode": {"type": "string", "enum": ["a", "b"], "required": true}}}]})");
  ASSERT_TRUE(descriptor.ok()) << descriptor.error().text();
  const std::string page = plugin_markdown(*descriptor);
  EXPECT_THAT(page, HasSubstr("# sv 1.2.3\n"));
  EXPECT_THAT(page, HasSubstr("## restart strategy `sv`"));
  EXPECT_THAT(page, HasSubstr("services \\| of sv"));
  EXPECT_THAT(page, HasSubstr("* Asks the host for: `process.run`"));
  EXPECT_THAT(page, HasSubstr("`start` 30 s"));
  EXPECT_THAT(page, HasSubstr("| `wait` | integer | `3` | at least 1, at most 9 | how long |"));
  EXPECT_THAT(page, HasSubstr("| `mode` | string | required | `a`, `b` |  |"));
}

TEST(PluginMarkdown, WithoutOptionsThereIsNoTable) {
  EXPECT_EQ(option_table("{}"), "");
  const auto descriptor = plugin::parse_descriptor(
      R"({"name": "r", "version": "1.0.0", "provides": [{"kind": "role", "id": "r"}]})");
  ASSERT_TRUE(descriptor.ok());
  EXPECT_THAT(plugin_markdown(*descriptor), Not(HasSubstr("|---")));
}

TEST(PluginMarkdown, ALineBreakDoesNotLeaveItsCell) {
  EXPECT_THAT(option_table(R"({"x": {"type": "string", "help": "one\ntwo"}})"),
              Not(HasSubstr("one\ntwo")));
}

}  // namespace
}  // namespace rolesync::cli
