// SPDX-License-Identifier: Apache-2.0
#include "host/cli/text.hpp"

#include <gtest/gtest.h>

namespace rolesync::cli {
namespace {

TEST(Text, WidthCountsColumnsNotBytes) {
  EXPECT_EQ(display_width("plain"), 5u);
  EXPECT_EQ(display_width("größe"), 5u);
  EXPECT_EQ(display_width("e\u0301"), 1u);  // e and a combining accent
  EXPECT_EQ(display_width("日本"), 4u);
  EXPECT_EQ(display_width("🚀"), 2u);
}

TEST(Text, PrintableShowsWhatWouldSteerATerminal) {
  EXPECT_EQ(printable("a\033[31mb"), "a\\x1b[31mb");
  EXPECT_EQ(printable("two\nlines\t"), "two\\nlines\\t");
  EXPECT_EQ(printable("a\u202eb"), "a\\u202eb");  // right-to-left override
  EXPECT_EQ(printable("größe 日本 🚀"), "größe 日本 🚀");
}

TEST(Text, PrintableShowsBrokenUtf8) {
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("a\xc3"), "a\\xc3");                  // cut in the middle
  EXPECT_EQ(printable("\xc0\x80"), "\\xc0\\x80");           // an overlong NUL
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(printable("\xef\xbf\xbd"), "\xef\xbf\xbd");     // the real replacement character
}

TEST(Text, ClipsAtColumns) {
  EXPECT_EQ(clipped("short", 5), "short");
  EXPECT_EQ(clipped("too long", 5), "too …");
  EXPECT_EQ(clipped("日本語", 4), "日…");
  EXPECT_EQ(clipped("x", 0), "");
}

TEST(Text, ShortensOnlyCommits) {
  EXPECT_EQ(short_commit("0123456789abcdef0123456789abcdef01234567"), "01234567");
  EXPECT_EQ(short_commit("not-a-commit"), "not-a-commit");
  EXPECT_EQ(short_commit(""), "");
}

TEST(Text, BytesAreReadable) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(1536), "1.5 KiB");
  EXPECT_EQ(human_bytes(12u << 20), "12 MiB");
  EXPECT_EQ(human_bytes((1u << 20) - 1), "1.0 MiB");
}

TEST(Text, AgesAreReadable) {
  const Millis now = 1'000'000'000'000;
  EXPECT_EQ(human_age(now, now), "now");
  EXPECT_EQ(human_age(now - 42'000, now), "42s ago");
  EXPECT_EQ(human_age(now - 180'000, now), "3m ago");
  EXPECT_EQ(human_age(now + 300'000, now), "in 5m");
  EXPECT_EQ(human_age(now - 3 * 86'400'000LL, now), "3d ago");
}

TEST(Text, CountsNouns) {
  EXPECT_EQ(counted(1, "file"), "1 file");
  EXPECT_EQ(counted(0, "file"), "0 files");
}

}  // namespace
}  // namespace rolesync::cli
