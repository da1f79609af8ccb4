// SPDX-License-Identifier: Apache-2.0
// Role: the NPU worker on Windows, delivered as a package. Restarted by hand: it may hold GPU
// tasks.
#include <rolesync/role.hpp>

ROLESYNC_ROLE("npu-worker", "1.0.0") {
  role.display_name("NPU worker")
      .summary("the NPU worker on Windows")
      .package()
      .source("resources/windows-npu-worker")
      .target("C:\\AutoBot\\npu")
      .service("AutoBotNPUWorker")
      .strategy("windows_service")
      .port(8082)
      .restart(rolesync::Restart::manual);
}
