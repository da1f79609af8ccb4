// SPDX-License-Identifier: Apache-2.0
#include "host/activation/manifest_delta.hpp"

#include <gtest/gtest.h>

#include <random>

namespace rolesync {
namespace {

using namespace std::string_literals;

ManifestEntry file(std::string path, char digit, std::uint64_t size = 1) {
  return {FileMode::regular, std::string(40, digit), size, std::move(path)};
}

Manifest manifest(std::vector<ManifestEntry> entries) {
  return *Manifest::from_entries(std::move(entries));
}

TEST(ManifestDelta, SaysOnlyWhatDiffers) {
  const Manifest from = manifest({file("a", '1'), file("b", '2'), file("d/e", '3')});
  const Manifest to = manifest({file("b", '4', 12), file("c", '5'), file("d/e", '3')});
  const std::string delta = manifest_delta(from, to);
  EXPECT_EQ(delta,
            "-a\0"s
            "+100644 "s +
                std::string(40, '4') + " 12\0b\0"s + "+100644 " + std::string(40, '5') +
                " 1\0c\0"s);
  const auto applied = apply_delta(from, delta);
  ASSERT_TRUE(applied.ok()) << applied.error().message;
  EXPECT_EQ(applied->content_id(), to.content_id());
}

TEST(ManifestDelta, NothingIsNothing) {
  const Manifest from = manifest({file("a", '1')});
  EXPECT_EQ(manifest_delta(from, from), "");
  EXPECT_EQ(apply_delta(from, "")->content_id(), from.content_id());
}

TEST(ManifestDelta, AppliedToAnotherBaseItIsRefusedOrHasAnotherContentId) {
  const Manifest from = manifest({file("a", '1'), file("b", '2')});
  const Manifest to = manifest({file("b", '3')});
  const Manifest other = manifest({file("a", '1'), file("c", '9')});
  const auto applied = apply_delta(other, manifest_delta(from, to));
  EXPECT_TRUE(!applied || applied->content_id() != to.content_id());
}

TEST(ManifestDelta, RefusesWhatItWouldNotWrite) {
  const Manifest from = manifest({file("a", '1'), file("b", '2')});
  const std::string record = "100644 " + std::string(40, '4') + " 1\0x\0"s;
  for (const std::string& bad :
       {"-a"s, "?a\0"s, "-zzz\0"s, "-b\0-a\0"s, "-a\0-a\0"s, "+"s, "+100644 zz 1\0x\0"s,
        "+" + record.substr(0, 20), "+" + record + "+" + record,
        "+100644 "s + std::string(40, '4') + " 1\0../x\0"s,
        "+100644 "s + std::string(40, '4') + " 1\0a/below\0"s}) {
    const auto applied = apply_delta(from, bad);
    ASSERT_FALSE(applied.ok()) << bad;
    EXPECT_EQ(applied.error().reason, "invalid_manifest");
  }
}

TEST(ManifestDelta, AnyTwoManifestsThereAndBack) {
  std::mt19937 random(7);
  const auto any = [&] {
    std::vector<ManifestEntry> entries;
    for (char name = 'a'; name < 'k'; ++name) {
      const auto choice = random() % 3;
      if (choice > 0) entries.push_back(file(std::string("d/") + name, choice == 1 ? '1' : '2'));
    }
    return manifest(std::move(entries));
  };
  for (int i = 0; i < 200; ++i) {
    const Manifest from = any(), to = any();
    const auto applied = apply_delta(from, manifest_delta(from, to));
    ASSERT_TRUE(applied.ok());
    ASSERT_EQ(applied->content_id(), to.content_id());
  }
}

}  // namespace
}  // namespace rolesync
