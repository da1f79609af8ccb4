// SPDX-License-Identifier: Apache-2.0
#include "host/activation/pack.hpp"

#include <gtest/gtest.h>

#include "host/values/hash.hpp"

namespace rolesync {
namespace {

ManifestEntry file(std::string path, const std::string& bytes, FileMode mode = FileMode::regular) {
  return {mode, git_blob_id(bytes), bytes.size(), std::move(path)};
}

Manifest manifest(std::vector<ManifestEntry> entries) {
  return *Manifest::from_entries(std::move(entries));
}

std::vector<std::string> paths(const std::vector<const ManifestEntry*>& entries) {
  std::vector<std::string> all;
  for (const ManifestEntry* entry : entries) all.push_back(entry->path);
  return all;
}

using Paths = std::vector<std::string>;

TEST(PackPlan, HoldsEachNewBlobOnceAndTheFilesTheyReplace) {
  const Manifest from = manifest({file("a", "1"), file("b", "2"), file("gone", "3"),
                                  file("link", "a", FileMode::symlink), file("same", "5")});
  const Manifest to =
      manifest({file("a", "1 more"), file("again", "1 more"), file("b", "2", FileMode::executable),
                file("link", "b", FileMode::symlink), file("moved", "3"), file("new", "6"),
                file("same", "5")});
  const PackPlan plan = plan_pack(from, to);
  EXPECT_EQ(paths(plan.blobs), (Paths{"a", "link", "new"}));
  EXPECT_EQ(paths(plan.bases), (Paths{"a"})) << "a link is no base, and what is new has none";
  EXPECT_EQ(plan.blob_bytes, 8U);
  EXPECT_EQ(plan.base_bytes, 1U);
  EXPECT_TRUE(plan.fits());
}

TEST(PackPlan, NothingNewOrTooMuchIsNoPack) {
  const Manifest from = manifest({file("a", "1")});
  EXPECT_FALSE(plan_pack(from, from).fits());
  Manifest to = manifest({{FileMode::regular, std::string(40, '1'), PackPlan::limit + 1, "a"}});
  EXPECT_FALSE(plan_pack(from, to).fits());
  EXPECT_FALSE(plan_pack(to, from).fits()) << "nor is a small file in place of a large one";
  to = manifest({{FileMode::regular, std::string(40, '1'), PackPlan::limit, "a"}});
  EXPECT_TRUE(plan_pack(from, to).fits());
}

TEST(Pack, ASmallChangeOfLargeFilesIsSmall) {
  std::string base;
  for (int i = 0; i < 40'000; ++i) base += "line " + std::to_string(i * 7919 % 100'003) + "\n";
  std::string changed = base;
  changed.insert(changed.size() / 2, "one line more\n");
  const auto pack = make_pack(base, changed);
  ASSERT_TRUE(pack.ok());
  EXPECT_LT(pack->size(), 400U);
  const auto opened = open_pack(base, *pack, changed.size());
  ASSERT_TRUE(opened.ok()) << opened.error().text();
  EXPECT_EQ(*opened, changed);
}

TEST(Pack, RefusesWhatDoesNotFit) {
  const std::string blobs(10'000, 'x');
  const std::string pack = *make_pack("", blobs);
  EXPECT_EQ(*open_pack("", pack, blobs.size()), blobs);
  for (const auto& [bytes, text] : std::vector<std::pair<std::uint64_t, std::string>>{
           {blobs.size() - 1, pack},  // would write more than it may
           {blobs.size() + 1, pack},
           {PackPlan::limit + 1, pack},
           {blobs.size(), pack.substr(0, pack.size() - 1)},
           {blobs.size(), "no frame"},
           {blobs.size(), ""}}) {
    const auto refused = open_pack("", text, bytes);
    ASSERT_FALSE(refused.ok()) << bytes;
    EXPECT_EQ(refused.error().reason, "invalid_pack");
  }
}

TEST(Update, ComesApartAsItWasPutTogether) {
  using namespace std::string_literals;
  const std::string text = write_update({"+delta\0"s, "frame"});
  const auto update = read_update(text);
  ASSERT_TRUE(update.ok());
  EXPECT_EQ(update->delta, "+delta\0"s);
  EXPECT_EQ(update->pack, "frame");
  EXPECT_EQ(read_update("0\n")->delta, "");
  for (const char* bad : {"", "\n", "7", "x\n", "9\nshort", "-1\n", "99999999999999999999\n"}) {
    ASSERT_FALSE(read_update(bad).ok()) << bad;
    EXPECT_EQ(read_update(bad).error().reason, "invalid_update");
  }
}

}  // namespace
}  // namespace rolesync
