// SPDX-License-Identifier: Apache-2.0
#include "host/values/packed_text.hpp"

#include <gtest/gtest.h>

namespace rolesync {
namespace {

TEST(PackedText, GivesBackWhatItWasGiven) {
  std::string report;
  for (int i = 0; i < 100; ++i) report += "{\"state\": \"active\", \"port\": " + std::to_string(i);
  std::string noise;
  for (unsigned i = 0, x = 1; i < 2'000; ++i)
    noise += static_cast<char>((x = x * 1103515245 + 12345) >> 16);
  for (const std::string& text : {std::string(), std::string("short"), std::string("a\0b", 3),
                                  report, noise, std::string(100'000, 'x')}) {
    EXPECT_EQ(PackedText(text).text(), text);
  }
}

TEST(PackedText, AReportTakesLittle) {
  std::string report;
  for (int i = 0; i < 100; ++i) report += "{\"state\": \"active\", \"port\": " + std::to_string(i);
  EXPECT_LT(PackedText(report).bytes() * 5, report.size());
  EXPECT_EQ(PackedText().text(), "");
}

}  // namespace
}  // namespace rolesync
