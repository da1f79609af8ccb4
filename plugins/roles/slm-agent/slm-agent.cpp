// SPDX-License-Identifier: Apache-2.0
// Role: the SLM agent on every machine. Lightweight; switched last.
#include <rolesync/role.hpp>

ROLESYNC_ROLE("slm-agent", "1.0.0") {
  role.display_name("SLM agent")
      .summary("the SLM agent of a machine")
      .source("src/slm/agent/")
      .target("/opt/slm-agent")
      .service("slm-agent")
      .restart(rolesync::Restart::automatic)
      .order(910);
}
