// SPDX-License-Identifier: Apache-2.0
// Tables for the manifest: its golden bytes, what it refuses, and the comparison of two.
#include "host/activation/manifest.hpp"

#include <gtest/gtest.h>

#include "host/values/hash.hpp"

namespace rolesync {
namespace {

using namespace std::string_literals;

const std::string kEmptyBlob = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
const std::string kHelloBlob = "ce013625030ba8dba906f756967f9e9ca394464a";  // "hello\n"

ManifestEntry file(std::string path, std::string id = kHelloBlob, std::uint64_t size = 6) {
  return {FileMode::regular, std::move(id), size, std::move(path)};
}

Manifest made(std::vector<ManifestEntry> entries) {
  Result<Manifest> manifest = Manifest::from_entries(std::move(entries));
  EXPECT_TRUE(manifest.ok());
  return manifest.ok() ? *manifest : Manifest();
}

TEST(Manifest, HasTheseBytes) {
  const Manifest manifest = made({
      {FileMode::symlink, kHelloBlob, 6, "z link"},
      {FileMode::executable, kHelloBlob, 6, "a/run\nme"},
      {FileMode::regular, kEmptyBlob, 0, "a/\xc3\xa4.txt"},
  });
  EXPECT_EQ(manifest.to_text(), "100755 " + kHelloBlob + " 6\0a/run\nme\0"s +  //
                                    "100644 " + kEmptyBlob + " 0\0a/\xc3\xa4.txt\0"s + "120000 " +
                                    kHelloBlob + " 6\0z link\0"s);
  // Computed once with `printf ... | sha256sum`; it may never change.
  EXPECT_EQ(manifest.content_id(),
            "rs1:3ad0a05c9307a947752e1f656d21fb950cd4dee374f5ecb98ad47be22db66d4f");
  EXPECT_EQ(Manifest().content_id(),
            "rs1:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(manifest.total_bytes(), 12U);
}

TEST(Manifest, SurvivesItsText) {
  const Manifest manifest = made({
      file("with space"),
      file("new\nline"),
      file("\xff\xfe not utf-8"),
      file("tab\t"),
      file("-rf"),
      file("a-b"),
      file("a/b"),
      file("a.b"),
      {FileMode::executable, kEmptyBlob, 0, "bin/x"},
  });
  const Result<Manifest> again = Manifest::parse(manifest.to_text());
  ASSERT_TRUE(again.ok()) << again.error().text();
  EXPECT_EQ(again->entries(), manifest.entries());
  EXPECT_EQ(again->content_id(), manifest.content_id());
}

TEST(Manifest, SortsByBytesAndFinds) {
  const Manifest manifest =
      made({file("b"), file("a/b"), file("a-b"), file("\xc3\xa4"), file("B")});
  std::vector<std::string> paths;
  for (const auto& entry : manifest.entries()) paths.push_back(entry.path);
  EXPECT_EQ(paths, (std::vector<std::string>{"B", "a-b", "a/b", "b", "\xc3\xa4"}));
  ASSERT_NE(manifest.find("a/b"), nullptr);
  EXPECT_EQ(manifest.find("a/b")->path, "a/b");
  EXPECT_EQ(manifest.find("a"), nullptr);
  EXPECT_TRUE(manifest.has_below("a"));
  EXPECT_TRUE(manifest.has_below(""));
  EXPECT_FALSE(manifest.has_below("b"));
  EXPECT_FALSE(manifest.has_below("a/b"));
}

struct Refused {
  const char* why;
  std::vector<ManifestEntry> entries;
};

TEST(Manifest, RefusesEntries) {
  const std::vector<Refused> table = {
      {"twice", {file("a"), file("a")}},
      {"file and directory", {file("a"), file("a/b")}},
      {"file and directory with names between",
       {file("a"), file("a-b"), file("a.c"), file("a/b/c")}},
      {"deep parent", {file("x/y"), file("x/y!"), file("x/y/z/w")}},
      {"empty path", {file("")}},
      {"absolute", {file("/etc/passwd")}},
      {"climbs", {file("a/../../b")}},
      {"dot", {file("./a")}},
      {"trailing slash", {file("a/")}},
      {"double slash", {file("a//b")}},
      {"NUL", {file("a\0b"s)}},
      {"too long", {file(std::string(4097, 'x'))}},
      {"short id", {file("a", "abc")}},
      {"upper-case id", {file("a", "CE013625030BA8DBA906F756967F9E9CA394464A")}},
      {"sha-256 id", {file("a", std::string(64, 'a'))}},
      {"gitlink mode", {{static_cast<FileMode>(0160000), kHelloBlob, 6, "a"}}},
      {"setuid mode", {{static_cast<FileMode>(0104755), kHelloBlob, 6, "a"}}},
  };
  for (const Refused& row : table) {
    const Result<Manifest> manifest = Manifest::from_entries(row.entries);
    ASSERT_FALSE(manifest.ok()) << row.why;
    EXPECT_EQ(manifest.error().reason, "invalid_manifest") << row.why;
  }
}

TEST(Manifest, RefusesText) {
  const std::string good = "100644 " + kHelloBlob + " 6\0a\0"s;
  ASSERT_TRUE(Manifest::parse(good).ok());
  const std::vector<std::pair<const char*, std::string>> table = {
      {"cut in the path", good.substr(0, good.size() - 1)},
      {"cut in the head", good.substr(0, 20)},
      {"one NUL", "\0"s},
      {"two spaces", "100644  " + kHelloBlob + " 6\0a\0"s},
      {"leading zero", "100644 " + kHelloBlob + " 06\0a\0"s},
      {"sign", "100644 " + kHelloBlob + " +6\0a\0"s},
      {"no size", "100644 " + kHelloBlob + " \0a\0"s},
      {"size beyond 64 bits", "100644 " + kHelloBlob + " 99999999999999999999\0a\0"s},
      {"words after size", "100644 " + kHelloBlob + " 6 x\0a\0"s},
      {"directory mode", "040000 " + kHelloBlob + " 6\0a\0"s},
      {"not sorted", "100644 " + kHelloBlob + " 6\0b\0"s + good},
      {"twice", good + good},
      {"bad path", "100644 " + kHelloBlob + " 6\0../a\0"s},
      {"text after", good + "x"},
  };
  for (const auto& [why, text] : table) EXPECT_FALSE(Manifest::parse(text).ok()) << why;
}

TEST(Manifest, ComparesInPathOrder) {
  const Manifest from = made({file("gone"), file("same"), file("mode"), file("text")});
  const Manifest to = made({file("added"),
                            file("same"),
                            {FileMode::executable, kHelloBlob, 6, "mode"},
                            file("text", kEmptyBlob, 0)});
  std::string story;
  for (const ManifestChange& change : compare(from, to)) {
    story += change.from ? (change.to ? "~" : "-") : "+";
    story += change.path() + " ";
  }
  EXPECT_EQ(story, "+added -gone ~mode ~text ");
  EXPECT_TRUE(compare(from, from).empty());
  EXPECT_EQ(compare(Manifest(), to).size(), 4U);
  EXPECT_EQ(compare(from, Manifest()).size(), 4U);
}

TEST(Manifest, SymlinksStayInside) {
  for (const auto& [path, text] : std::vector<std::pair<std::string, std::string>>{
           {"a", "b"}, {"a/b", "../c"}, {"a/b/c", "../../d/e"}, {"a", "./b//c"}, {"a/b", ".."}}) {
    EXPECT_TRUE(check_symlink(path, text).ok()) << path << " -> " << text;
  }
  for (const auto& [path, text] :
       std::vector<std::pair<std::string, std::string>>{{"a", "/etc/passwd"},
                                                        {"a", ".."},
                                                        {"a/b", "../../c"},
                                                        {"a", "b/../../c"},
                                                        {"a/b/c", "d/../e"},
                                                        {"a", ""},
                                                        {"a/b", "../../a/b"},
                                                        {"a", "b\0c"s},
                                                        {"a", std::string(5000, 'x')}}) {
    const Status status = check_symlink(path, text);
    ASSERT_FALSE(status.ok()) << path << " -> " << text;
    EXPECT_EQ(status.error().reason, "unsafe_symlink");
  }
}

}  // namespace
}  // namespace rolesync
