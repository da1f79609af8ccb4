// SPDX-License-Identifier: Apache-2.0
// A role for the drop-in story; its second version has another health path.
#include <rolesync/role.hpp>

ROLESYNC_ROLE("shop", STORY_VERSION) {
  role.source("shop/").target("/srv/shop").service("shop").restart(rolesync::Restart::automatic);
  role.deployer("local_copy").detector("marker").strategy("counting");
  role.order(STORY_NUMBER);
}
