// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/wire.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

namespace rolesync::plugin {
namespace {

const auto soon = [] { return std::chrono::steady_clock::now() + std::chrono::milliseconds(50); };

TEST(Wire, LinesAreCutWhereverTheBytesWere) {
  const std::string text = "one\ntwo\n\nlast\n";
  for (std::size_t step = 1; step <= text.size(); ++step) {
    LineBuffer lines;
    std::vector<std::string> got;
    for (std::size_t at = 0; at < text.size(); at += step) {
      lines.add(std::string_view(text).substr(at, step));
      while (auto line = lines.take()) got.push_back(*line);
    }
    EXPECT_EQ(got, (std::vector<std::string>{"one", "two", "", "last"})) << step;
  }
}

TEST(Wire, AnEndlessLineIsNoticed) {
  LineBuffer lines;
  lines.add(std::string(longest_line, 'x'));
  EXPECT_FALSE(lines.too_long());
  lines.add("x");
  EXPECT_TRUE(lines.too_long());
}

TEST(Wire, WritingToNobodyIsAnErrorAndNoSignal) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  EXPECT_EQ(write_line(ends[1], {{"a", 1}}, soon()).error().reason, "wire_closed");
  ::close(ends[1]);
}

TEST(Wire, AReaderThatSleepsIsGivenUp) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_NONBLOCK), 0);
  const Json large = {{"text", std::string(1 << 20, 'x')}};
  EXPECT_EQ(write_line(ends[1], large, soon()).error().reason, "wire_stalled");
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(Wire, AMessageIsAnObject) {
  EXPECT_TRUE(parse_line(R"({"call": "x"})").ok());
  EXPECT_FALSE(parse_line("[1]").ok());
  EXPECT_FALSE(parse_line("hello").ok());
  EXPECT_FALSE(parse_line(std::string(100'000, '[')).ok());
}

}  // namespace
}  // namespace rolesync::plugin
