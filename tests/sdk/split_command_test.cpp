// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rolesync/restart_strategy.hpp>

namespace rolesync {
namespace {

using Argv = std::vector<std::string>;

TEST(SplitCommand, WordsAndQuotes) {
  EXPECT_EQ(split_command("npm run start"), (Argv{"npm", "run", "start"}));
  EXPECT_EQ(split_command("  a \t b  "), (Argv{"a", "b"}));
  EXPECT_EQ(split_command("a 'b c' \"d e\" f'g h'i"), (Argv{"a", "b c", "d e", "fg hi"}));
  EXPECT_EQ(split_command("a '' \"\""), (Argv{"a", "", ""}));
  EXPECT_EQ(split_command("a \"it's\""), (Argv{"a", "it's"}));
}

TEST(SplitCommand, NothingIsExpanded) {
  EXPECT_EQ(split_command("a $HOME *.txt ; rm -rf / | b > c \\n"),
            (Argv{"a", "$HOME", "*.txt", ";", "rm", "-rf", "/", "|", "b", ">", "c", "\\n"}));
}

TEST(SplitCommand, JsonArrays) {
  EXPECT_EQ(split_command(R"(["a", "b c", ""])"), (Argv{"a", "b c", ""}));
  EXPECT_EQ(split_command(R"(  ["a"])"), (Argv{"a"}));
}

TEST(SplitCommand, WhatIsNoCommandIsInvalid) {
  for (const std::string& text :
       {std::string(), std::string("  "), std::string("'open"), std::string("a \"open"),
        std::string("''"), std::string("[]"), std::string("[\"\"]"), std::string("[1]"),
        std::string("[\"a\""), std::string("[\"a\\u0000b\"]"), std::string("a\0b", 3)}) {
    try {
      split_command(text);
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::invalid);
      EXPECT_EQ(error.reason(), "invalid_command");
    }
  }
}

}  // namespace
}  // namespace rolesync
