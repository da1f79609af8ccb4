// SPDX-License-Identifier: Apache-2.0
// Role: the SLM server with its admin pages. Critical: switched after all others but the agents.
#include <rolesync/role.hpp>

ROLESYNC_ROLE("slm-server", "1.0.0") {
  role.display_name("SLM server")
      .summary("the SLM back end and its admin pages")
      .source("slm-server/")
      .source("slm-admin/")
      .target("/home/autobot/AutoBot")
      .service("slm-backend")
      .port(8000)
      .health("/api/health")
      .restart(rolesync::Restart::manual)
      .order(900);
}
