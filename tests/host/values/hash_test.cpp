// SPDX-License-Identifier: Apache-2.0
// The hashes must be exactly git's and the standards'; the expected values come from
// `git hash-object`, `sha256sum` and RFC 4231.
#include "host/values/hash.hpp"

#include <gtest/gtest.h>

namespace rolesync {
namespace {

TEST(Hash, BlobIdIsGitsOwn) {
  EXPECT_EQ(git_blob_id(""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  EXPECT_EQ(git_blob_id("hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
}

TEST(Hash, BlobIdIsTheSameInPieces) {
  Hasher hasher = Hasher::git_blob(6);
  hasher.update("hel");
  hasher.update("");
  hasher.update("lo\n");
  EXPECT_EQ(hasher.hex(), git_blob_id("hello\n"));
}

TEST(Hash, Sha256) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Hash, HmacOfRfc4231Case2) {
  EXPECT_EQ(hmac_sha256_hex("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Hash, EqualSecrets) {
  EXPECT_TRUE(equal_secrets("abc", "abc"));
  EXPECT_FALSE(equal_secrets("abc", "abd"));
  EXPECT_FALSE(equal_secrets("abc", "ab"));
  EXPECT_TRUE(equal_secrets("", ""));
}

}  // namespace
}  // namespace rolesync
