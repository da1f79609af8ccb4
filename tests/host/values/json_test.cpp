// SPDX-License-Identifier: Apache-2.0
#include "host/values/json.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace rolesync {
namespace {

TEST(Json, ReadsWhatItWrote) {
  const std::string text = R"({"a":[1,-2,3.5,true,null,"\u00fc \"x\""],"b":{"c":{}},"d":[]})";
  const auto parsed = parse_json(text);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(*parsed, Json::parse(text));
  EXPECT_EQ(*parse_json(to_text(*parsed)), *parsed);
}

TEST(Json, ScalarsAtTheTop) {
  EXPECT_EQ(*parse_json("17"), Json(17));
  EXPECT_EQ(*parse_json(" \"x\" "), Json("x"));
}

struct Refused {
  const char* name;
  std::string text;
  const char* words;
};
std::ostream& operator<<(std::ostream& out, const Refused& refused) {
  return out << refused.words;
}
class JsonRefuses : public testing::TestWithParam<Refused> {};

TEST_P(JsonRefuses, WithASentence) {
  const auto parsed = parse_json(GetParam().text);
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().reason, "invalid_json");
  EXPECT_NE(parsed.error().message.find(GetParam().words), std::string::npos)
      << parsed.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Inputs, JsonRefuses,
    testing::Values(Refused{"empty", "", "not valid"}, Refused{"cut", R"({"a":)", "byte"},
                    Refused{"trailing", "{} {}", "byte"},
                    Refused{"duplicate", R"({"a":1,"b":2,"a":3})", "\"a\" stands twice"},
                    Refused{"deep_arrays", std::string(100'000, '['), "deeper than 64"},
                    Refused{"deep_objects",
                            [] {
                              std::string text;
                              for (int i = 0; i < 70; ++i) text += "{\"a\":";
                              return text;
                            }(),
                            "deeper than 64"},
                    Refused{"not_utf8", "\"\xff\xfe\"", "byte"}),
    [](const auto& test) { return test.param.name; });

TEST(Json, DepthLimitIsInclusive) {
  EXPECT_TRUE(parse_json("[[[]]]", {100, 3}).ok());
  EXPECT_FALSE(parse_json("[[[[]]]]", {100, 3}).ok());
}

TEST(Json, TooManyBytesIsAnErrorOfItsOwn) {
  const auto parsed = parse_json("[1,2,3]", {5, 64});
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().kind, ErrorKind::too_large);
}

TEST(Json, TextThatIsNotUtf8IsRepaired) {
  EXPECT_EQ(to_text(Json("a\xff")), "\"a\xEF\xBF\xBD\"");
}

}  // namespace
}  // namespace rolesync
