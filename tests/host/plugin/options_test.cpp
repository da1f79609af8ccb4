// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/options.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace rolesync::plugin {
namespace {

struct Case {
  const char* json;
  const char* pointer;  // of the first fault; null: none
};

TEST(OptionsSchema, IsCheckedWithPointers) {
  const Case cases[] = {
      {R"({})", nullptr},
      {R"({"a": {"type": "string", "default": "x", "help": "h", "required": false}})", nullptr},
      {R"({"a": {"type": "integer", "minimum": 1, "maximum": 3, "default": 2}})", nullptr},
      {R"({"a": {"type": "string", "enum": ["x", "y"], "default": "y"}})", nullptr},
      {R"([])", ""},
      {R"({"A": {"type": "string"}})", "/A"},
      {R"({"a/b": {"type": "string"}})", "/a~1b"},
      {R"({"a": 1})", "/a"},
      {R"({"a": {}})", "/a/type"},
      {R"({"a": {"type": "array"}})", "/a/type"},
      {R"({"a": {"type": "string", "minimum": 1}})", "/a/minimum"},
      {R"({"a": {"type": "integer", "maximum": "9"}})", "/a/maximum"},
      {R"({"a": {"type": "integer", "default": "2"}})", "/a/default"},
      {R"({"a": {"type": "integer", "minimum": 3, "default": 2}})", "/a/default"},
      {R"({"a": {"type": "integer", "minimum": 3, "maximum": 2}})", "/a/minimum"},
      {R"({"a": {"type": "string", "enum": []}})", "/a/enum"},
      {R"({"a": {"type": "string", "enum": ["x", 1]}})", "/a/enum/1"},
      {R"({"a": {"type": "string", "required": "yes"}})", "/a/required"},
      {R"({"a": {"type": "string", "pattern": "x"}})", "/a/pattern"},
  };
  for (const Case& c : cases) {
    const Status status = check_options_schema(Json::parse(c.json));
    ASSERT_EQ(status.ok(), c.pointer == nullptr) << c.json;
    if (c.pointer) {
      EXPECT_EQ(status.error().fields.at(0).pointer, c.pointer) << c.json;
    }
  }
}

TEST(Options, AreCheckedWithPointers) {
  const Json schema = Json::parse(R"({
    "command": {"type": "string", "required": true},
    "seconds": {"type": "integer", "minimum": 1, "maximum": 60},
    "ratio": {"type": "number", "maximum": 1},
    "loud": {"type": "boolean"},
    "mode": {"type": "string", "enum": ["fast", "safe"]}})");
  const Case cases[] = {
      {R"({"command": "x"})", nullptr},
      {R"({"command": "x", "seconds": 5, "ratio": 0.5, "loud": true, "mode": "safe"})", nullptr},
      {R"({"command": "x", "seconds": "5", "ratio": "0.5", "loud": "false"})", nullptr},
      {R"([])", ""},
      {R"({})", "/command"},
      {R"({"command": 1})", "/command"},
      {R"({"command": "x", "other": 1})", "/other"},
      {R"({"command": "x", "seconds": 0})", "/seconds"},
      {R"({"command": "x", "seconds": 61})", "/seconds"},
      {R"({"command": "x", "seconds": "5s"})", "/seconds"},
      {R"({"command": "x", "seconds": ""})", "/seconds"},
      {R"({"command": "x", "seconds": 1.5})", "/seconds"},
      {R"({"command": "x", "ratio": "nan"})", "/ratio"},
      {R"({"command": "x", "loud": "maybe"})", "/loud"},
      {R"({"command": "x", "mode": "wild"})", "/mode"},
  };
  for (const Case& c : cases) {
    const Status status = check_options(schema, Json::parse(c.json));
    ASSERT_EQ(status.ok(), c.pointer == nullptr) << c.json;
    if (c.pointer) {
      EXPECT_EQ(status.error().fields.at(0).pointer, c.pointer) << c.json;
    }
  }
}

}  // namespace
}  // namespace rolesync::plugin
