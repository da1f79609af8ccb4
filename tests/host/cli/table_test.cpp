// SPDX-License-Identifier: Apache-2.0
#include "host/cli/table.hpp"

#include <gtest/gtest.h>

namespace rolesync::cli {
namespace {

TEST(Table, AlignsColumnsByWidthAndLeavesNoTrailingBlanks) {
  Table table({"NAME", "SIZE", "NOTE"});
  table.right(1);
  table.add({"größe", "5", ""});
  table.add({"日本", "1234", "x"});
  EXPECT_EQ(table.text(false),
            "NAME   SIZE  NOTE\n"
            "größe     5\n"
            "日本   1234  x\n");
}

TEST(Table, CutsOnlyTheLastColumnToTheTerminal) {
  Table table({"A", "B"});
  table.add({"abc", "a long sentence"});
  EXPECT_EQ(table.text(false, 10), "A    B\nabc  a lo…\n");
}

TEST(Table, CellsCannotSteerTheTerminal) {
  Table table({"A"});
  table.add({"\033]0;title\007"});
  EXPECT_EQ(table.text(false), "A\n\\x1b]0;title\\x07\n");
}

TEST(Table, ColourSurroundsTheTextNotThePadding) {
  Table table({"A", "B"});
  table.add({{"x", Style::good}, "y"});
  table.add({"longer", "z"});
  EXPECT_NE(table.text(true).find("\033[32mx\033[0m       y"), std::string::npos);
  EXPECT_EQ(table.text(false).find('\033'), std::string::npos);
}

TEST(Table, ShortAndLongRowsAreFine) {
  Table table({"A", "B"});
  table.add({"1"});
  table.add({"1", "2", "3"});
  EXPECT_EQ(table.text(false), "A  B\n1\n1  2\n");
}

}  // namespace
}  // namespace rolesync::cli
