// SPDX-License-Identifier: Apache-2.0
// Restart strategy for roles that nothing has to be restarted for: it does nothing, and says so.
#include <rolesync/restart_strategy.hpp>

namespace {

using rolesync::Options;
using rolesync::RoleData;
using rolesync::Running;
using rolesync::ServiceStatus;

class None : public rolesync::RestartStrategy {
 public:
  ServiceStatus status(const RoleData&, const Options&) override { return nothing(); }
  ServiceStatus start(const RoleData&, const Options&) override { return nothing(); }
  ServiceStatus stop(const RoleData&, const Options&) override { return nothing(); }
  ServiceStatus restart(const RoleData&, const Options&) override { return nothing(); }

 private:
  static ServiceStatus nothing() {
    return {Running::unknown, std::nullopt, "nothing runs for this role; nothing was done"};
  }
};

}  // namespace

ROLESYNC_PLUGIN("none", "1.0.0",
                rolesync::restart_strategy<None>("none").summary("nothing to restart"));
