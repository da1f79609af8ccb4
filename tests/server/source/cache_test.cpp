// SPDX-License-Identifier: Apache-2.0
// The blob cache and the offers made from it.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <thread>

#include "host/values/hash.hpp"
#include "server/source/blob_cache.hpp"
#include "server/source/offers.hpp"
#include "server/source/role_tree.hpp"
#include "tests/server/source/git_repository.hpp"

namespace rolesync::source {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CacheTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto mirror = Mirror::open(directory_.path() / "mirrors", "main");
    ASSERT_TRUE(mirror.ok());
    mirror_ = std::move(*mirror);
    auto cache = BlobCache::open(directory_.path() / "cache");
    ASSERT_TRUE(cache.ok());
    cache_ = std::move(*cache);
    auto offers = Offers::open(directory_.path() / "cache" / "offers", *cache_);
    ASSERT_TRUE(offers.ok());
    offers_ = std::move(*offers);
    role_.name = "web";
    role_.source_paths = {"."};
    role_.target_path = "/srv/web";
  }
  Manifest manifest_of(const std::string& commit) {
    EXPECT_TRUE(mirror_->fetch_path(repository_.path(), "main").ok());
    auto manifest = role_manifest(*mirror_->tree(commit), role_);
    EXPECT_TRUE(manifest.ok());
    return *manifest;
  }
  Manifest import(const std::vector<GitRepository::Entry>& entries) {
    const Manifest manifest = manifest_of(repository_.commit_entries(entries));
    const Status imported = cache_->import(manifest, *mirror_);
    EXPECT_TRUE(imported.ok()) << imported.error().text();
    return manifest;
  }
  static std::vector<std::string> all_ids(const Manifest& manifest) {
    std::vector<std::string> ids;
    for (const ManifestEntry& entry : manifest.entries()) ids.push_back(entry.blob_id);
    return ids;
  }
  std::size_t offer_directories() const {
    return std::distance(fs::directory_iterator(directory_.path() / "cache" / "offers"), {});
  }

  TemporaryDirectory directory_;
  GitRepository repository_{directory_.path() / "work"};
  std::unique_ptr<Mirror> mirror_;
  std::unique_ptr<BlobCache> cache_;
  std::unique_ptr<Offers> offers_;
  Role role_;
};

TEST_F(CacheTest, ImportsEveryBlobOnceWithItsBytes) {
  const std::string big(300'000, 'b');
  const Manifest manifest = import({{"100644", "a", "same"},
                                    {"100755", "b", "same"},
                                    {"100644", "big", big},
                                    {"120000", "link", "a"},
                                    {"100644", "empty", ""}});
  EXPECT_EQ(read_file(cache_->blob_path(git_blob_id(big))), big);
  EXPECT_EQ(read_file(cache_->blob_path(git_blob_id(""))), "");
  for (const ManifestEntry& entry : manifest.entries()) {
    EXPECT_TRUE(cache_->verify_blob(entry.blob_id, entry.size).ok()) << entry.path;
  }
  const auto again = cache_->manifest(manifest.content_id());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->to_text(), manifest.to_text());
}

TEST_F(CacheTest, ASecondContentBringsOnlyWhatIsNew) {
  import({{"100644", "a", "one"}, { "100644", "b", "two" }});
  const auto before = fs::last_write_time(cache_->blob_path(git_blob_id("one")));
  struct stat inode_before {
  }, inode_after{};
  ::stat(cache_->blob_path(git_blob_id("one")).c_str(), &inode_before);
  import({{"100644", "a", "one"}, { "100644", "b", "three" }});
  ::stat(cache_->blob_path(git_blob_id("one")).c_str(), &inode_after);
  EXPECT_EQ(fs::last_write_time(cache_->blob_path(git_blob_id("one"))), before);
  EXPECT_EQ(inode_before.st_ino, inode_after.st_ino);
  EXPECT_TRUE(cache_->has_blob(git_blob_id("three")));
}

TEST_F(CacheTest, ManyFilesAreImportedToo) {
  for (int i = 0; i < 300; ++i) {
    repository_.write("f" + std::to_string(i), "content " + std::to_string(i));
  }
  const Manifest manifest = manifest_of(repository_.commit());
  ASSERT_EQ(manifest.entries().size(), 300u);
  const Status imported = cache_->import(manifest, *mirror_);
  ASSERT_TRUE(imported.ok()) << imported.error().text();
  for (const ManifestEntry& entry : manifest.entries()) {
    EXPECT_TRUE(cache_->has_blob(entry.blob_id));
  }
}

TEST_F(CacheTest, AnOfferHoldsExactlyTheWantedBlobs) {
  const Manifest manifest = import({{"100644", "a", "one"}, {"100644", "b", "two"}});
  const auto offer = offers_->make(manifest.content_id(), {git_blob_id("two"), git_blob_id("two")});
  ASSERT_TRUE(offer.ok()) << offer.error().text();
  EXPECT_EQ((*offer)->files, 1u);
  EXPECT_EQ((*offer)->bytes, 3u);
  EXPECT_EQ(read_file((*offer)->directory / git_blob_id("two")), "two");
  EXPECT_EQ(std::distance(fs::directory_iterator((*offer)->directory), {}), 1);
  EXPECT_EQ(offers_->find((*offer)->id), *offer);
  EXPECT_EQ(offers_->find("unknown"), nullptr);
}

TEST_F(CacheTest, EqualOffersAreSharedAndRemovedWithTheLastHolder) {
  const Manifest manifest = import({{"100644", "a", "one"}, {"100644", "b", "two"}});
  const std::vector<std::string> ids = {git_blob_id("one"), git_blob_id("two")};
  auto first = *offers_->make(manifest.content_id(), ids);
  auto second = *offers_->make(manifest.content_id(), {ids[1], ids[0]});
  EXPECT_EQ(first, second);
  auto other = *offers_->make(manifest.content_id(), {ids[0]});
  EXPECT_NE(first->directory, other->directory);
  EXPECT_EQ(offer_directories(), 2u);
  first.reset();
  EXPECT_EQ(offer_directories(), 2u);
  const std::string id = second->id;
  second.reset();
  EXPECT_EQ(offer_directories(), 1u);
  EXPECT_EQ(offers_->find(id), nullptr);
  EXPECT_TRUE(fs::exists((*offers_->make(manifest.content_id(), ids))->directory));
}

TEST_F(CacheTest, OffersMadeAndDroppedByManyThreadsStayWhole) {
  const Manifest manifest = import({{"100644", "a", "one"}, {"100644", "b", "two"}});
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 100; ++round) {
        const auto offer = offers_->make(manifest.content_id(), all_ids(manifest));
        ASSERT_TRUE(offer.ok()) << offer.error().text();
        ASSERT_TRUE(fs::exists((*offer)->directory / git_blob_id("one")));
        ASSERT_TRUE(fs::exists((*offer)->directory / git_blob_id("two")));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(offer_directories(), 0u);
}

TEST_F(CacheTest, AnOfferMayOutliveItsMaker) {
  const Manifest manifest = import({{"100644", "a", "one"}});
  auto offer = *offers_->make(manifest.content_id(), all_ids(manifest));
  offers_.reset();
  EXPECT_TRUE(fs::exists(offer->directory));
  offer.reset();
  EXPECT_EQ(offer_directories(), 0u);
}

TEST_F(CacheTest, WhatAnEarlierServerLeftIsRemoved) {
  write_file(directory_.path() / "cache" / "offers" / "old" / "file", "x");
  ASSERT_TRUE(Offers::open(directory_.path() / "cache" / "offers", *cache_).ok());
  EXPECT_EQ(offer_directories(), 0u);
}

TEST_F(CacheTest, AWantedBlobOfAnotherContentIsRefused) {
  const Manifest mine = import({{"100644", "a", "mine"}});
  import({{ "100644", "a", "secret" }});
  const auto offer = offers_->make(mine.content_id(), {git_blob_id("secret")});
  ASSERT_FALSE(offer.ok());
  EXPECT_EQ(offer.error().reason, "blob_not_in_content");
  EXPECT_EQ(offers_->make(mine.content_id(), {"../../etc/passwd"}).error().reason,
            "blob_not_in_content");
  EXPECT_EQ(offers_->make("rs1:nothing", {}).error().reason, "unknown_content");
  EXPECT_EQ(offers_->make("../x", {}).error().reason, "unknown_content");
  EXPECT_EQ(offer_directories(), 0u);
}

TEST_F(CacheTest, ACorruptBlobIsFoundWhenItIsOfferedAndBroughtBack) {
  const Manifest manifest = import({{"100644", "a", "good"}, {"100644", "b", "fine"}});
  {
    std::fstream file(cache_->blob_path(git_blob_id("good")), std::ios::in | std::ios::out);
    file << "evil";
  }
  const auto offer = offers_->make(manifest.content_id(), all_ids(manifest));
  ASSERT_FALSE(offer.ok());
  EXPECT_EQ(offer.error().reason, "blob_corrupt");
  EXPECT_EQ(offer_directories(), 0u);
  ASSERT_TRUE(cache_->import(manifest, *mirror_).ok());
  const auto again = offers_->make(manifest.content_id(), all_ids(manifest));
  ASSERT_TRUE(again.ok()) << again.error().text();
  EXPECT_EQ(read_file((*again)->directory / git_blob_id("good")), "good");
}

TEST_F(CacheTest, ACorruptManifestIsNotUsed) {
  const Manifest manifest = import({{"100644", "a", "one"}});
  write_file(directory_.path() / "cache" / "manifests" / manifest.content_id(),
             std::string("100644 ") + std::string(40, 'a') + " 3" + '\0' + "a" + '\0');
  EXPECT_EQ(cache_->manifest(manifest.content_id()).error().reason, "manifest_corrupt");
}

TEST_F(CacheTest, CollectsWhatIsNotNeededAndKeepsSharedBlobs) {
  const Manifest old = import({{"100644", "a", "shared"}, {"100644", "b", "only in old"}});
  const Manifest live = import({{"100644", "a", "shared"}, {"100644", "b", "only in live"}});
  const auto collected = cache_->collect({live.content_id()}, 0, seconds(0));
  ASSERT_TRUE(collected.ok());
  EXPECT_THAT(collected->contents, ElementsAre(old.content_id()));
  EXPECT_EQ(collected->blobs, 1u);
  EXPECT_TRUE(cache_->has_blob(git_blob_id("shared")));
  EXPECT_FALSE(cache_->has_blob(git_blob_id("only in old")));
  EXPECT_EQ(cache_->manifest(old.content_id()).error().reason, "unknown_content");
  EXPECT_TRUE(offers_->make(live.content_id(), all_ids(live)).ok());
}

TEST_F(CacheTest, ALeasedOfferedOrYoungContentIsNotCollected) {
  const Manifest manifest = import({{"100644", "a", "one"}});
  {
    const auto lease = cache_->lease(manifest.content_id());
    EXPECT_THAT(cache_->collect({}, 0, seconds(0))->contents, IsEmpty());
  }
  {
    const auto offer = offers_->make(manifest.content_id(), all_ids(manifest));
    EXPECT_THAT(cache_->collect({}, 0, seconds(0))->contents, IsEmpty());
  }
  EXPECT_THAT(cache_->collect({}, 0)->contents, IsEmpty());
  EXPECT_THAT(cache_->collect({}, 1000, seconds(0))->contents, IsEmpty());  // fits
  EXPECT_THAT(cache_->collect({}, 0, seconds(0))->contents, ElementsAre(manifest.content_id()));
  EXPECT_FALSE(cache_->has_blob(git_blob_id("one")));
}

TEST_F(CacheTest, WhatAnInterruptedImportLeftIsCollected) {
  const Manifest manifest = import({{"100644", "a", "one"}});
  const auto blobs = directory_.path() / "cache" / "blobs";
  write_file(blobs / "tmp-abcdef", "half");
  write_file(blobs / "aa" / std::string(38, 'a'), "nobody's");
  ASSERT_TRUE(cache_->collect({manifest.content_id()}, 1000).ok());
  EXPECT_FALSE(fs::exists(blobs / "tmp-abcdef"));
  EXPECT_FALSE(cache_->has_blob(std::string(40, 'a')));
  EXPECT_TRUE(cache_->has_blob(git_blob_id("one")));
}

}  // namespace
}  // namespace rolesync::source
