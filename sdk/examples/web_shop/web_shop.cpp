// SPDX-License-Identifier: Apache-2.0
// Role: a web shop, served by a systemd unit. Its packages are installed after every sync, and the
// shop is healthy when GET /healthz on its port answers 2xx.
#include <rolesync/role.hpp>

ROLESYNC_ROLE("web-shop", "1.0.0") {
  role.display_name("Web shop")
      .summary("the public shop and its static pages")
      .source("shop/")               // a directory of the repository
      .source("assets/shop:public")  // another one, to a directory of the target
      .exclude("shop/tests")
      .target("/srv/shop")
      .owner("shop")
      .service("shop")
      .restart(rolesync::Restart::automatic)
      .port(8080)
      .health("/healthz")
      .after_sync({"npm", "ci", "--omit=dev"});
}
