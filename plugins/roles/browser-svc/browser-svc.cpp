// SPDX-License-Identifier: Apache-2.0
// Role: the browser automation service. Stateless, so it may restart at any time.
#include <rolesync/role.hpp>

ROLESYNC_ROLE("browser-svc", "1.0.0") {
  role.display_name("Browser service")
      .summary("browser automation")
      .source("browser-service/")
      .target("/home/autobot/browser")
      .service("autobot-browser")
      .port(3000)
      .restart(rolesync::Restart::automatic);
}
