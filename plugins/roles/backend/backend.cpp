// SPDX-License-Identifier: Apache-2.0
// Role: the AutoBot backend. Restarted by hand only: it may be in the middle of requests.
#include <rolesync/role.hpp>

ROLESYNC_ROLE("backend", "1.0.0") {
  role.display_name("Backend")
      .summary("the AutoBot API server")
      .source("backend/")
      .source("src/")
      .target("/home/autobot/AutoBot")
      .service("autobot-backend")
      .port(8001)
      .health("/api/health")
      .restart(rolesync::Restart::manual);
}
