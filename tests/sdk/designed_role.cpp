// SPDX-License-Identifier: Apache-2.0
// Role: the Vue front end, served by a systemd unit on port 5173.
#include <rolesync/role.hpp>

// clang-format off
ROLESYNC_ROLE("frontend", "1.0.0") {
  role.source("autobot-vue/").target("/home/autobot/autobot-vue")
      .service("autobot-frontend").port(5173)
      .restart(rolesync::Restart::automatic)
      .after_sync({"npm", "install"});
}
