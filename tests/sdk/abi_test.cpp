// SPDX-License-Identifier: Apache-2.0
// The ABI promise. If one of these fails, the door changed: appending a field raises RS_ABI_MINOR
// and adds a line here; anything else raises RS_ABI_MAJOR, and old plugins are refused.
#include <gtest/gtest.h>
#include <rolesync/abi.h>

#include <cstddef>

namespace {

TEST(Abi, VersionOneZero) {
  EXPECT_EQ(RS_ABI_MAGIC, 0x52534c50u);
  EXPECT_EQ(RS_ABI_MAJOR, 1u);
  EXPECT_EQ(RS_ABI_MINOR, 0u);

  EXPECT_EQ(sizeof(rs_plugin), 56u);
  EXPECT_EQ(offsetof(rs_plugin, magic), 0u);
  EXPECT_EQ(offsetof(rs_plugin, struct_size), 4u);
  EXPECT_EQ(offsetof(rs_plugin, abi_major), 8u);
  EXPECT_EQ(offsetof(rs_plugin, abi_minor), 10u);
  EXPECT_EQ(offsetof(rs_plugin, build_id), 16u);
  EXPECT_EQ(offsetof(rs_plugin, describe), 24u);
  EXPECT_EQ(offsetof(rs_plugin, create), 32u);
  EXPECT_EQ(offsetof(rs_plugin, call), 40u);
  EXPECT_EQ(offsetof(rs_plugin, destroy), 48u);

  EXPECT_EQ(sizeof(rs_host), 32u);
  EXPECT_EQ(offsetof(rs_host, struct_size), 0u);
  EXPECT_EQ(offsetof(rs_host, ctx), 8u);
  EXPECT_EQ(offsetof(rs_host, log), 16u);
  EXPECT_EQ(offsetof(rs_host, call), 24u);

  EXPECT_EQ(sizeof(rs_sink), 16u);
  EXPECT_EQ(offsetof(rs_sink, write), 8u);
}

TEST(Abi, StatusesKeepTheirNumbers) {
  EXPECT_EQ(RS_OK, 0);
  EXPECT_EQ(RS_INVALID, 1);
  EXPECT_EQ(RS_NOT_FOUND, 2);
  EXPECT_EQ(RS_UNSUPPORTED, 3);
  EXPECT_EQ(RS_TRANSIENT, 4);
  EXPECT_EQ(RS_CANCELLED, 5);
  EXPECT_EQ(RS_FAILED, 6);
}

TEST(Abi, TheSymbolIsAPointerToAConstantEntry) {
  ASSERT_NE(rolesync_plugin, nullptr);
  EXPECT_EQ(rolesync_plugin->magic, RS_ABI_MAGIC);
  EXPECT_EQ(rolesync_plugin->struct_size, sizeof(rs_plugin));
}

}  // namespace
