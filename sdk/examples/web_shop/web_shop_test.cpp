// SPDX-License-Identifier: Apache-2.0
#include <rolesync/testing/matchers.hpp>

using rolesync::testing::FakeHost;
using rolesync::testing::Plugin;

TEST(WebShop, SaysWhatGoesWhere) {
  FakeHost host;
  const Plugin plugin(ROLESYNC_PLUGIN_FILE);
  const auto role = plugin.create("role", "web-shop", host).spec();
  EXPECT_THAT(role.source_paths, testing::ElementsAre("shop/", "assets/shop:public"));
  EXPECT_EQ(role.target_path, "/srv/shop");
  EXPECT_EQ(role.service, "shop");
  EXPECT_EQ(role.port, 8080);
}
