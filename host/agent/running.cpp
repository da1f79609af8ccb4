// SPDX-License-Identifier: Apache-2.0
#include "host/agent/running.hpp"

namespace rolesync::agent {

Moment moment_of(Clock& clock) {
  const auto since_boot =
      std::chrono::duration_cast<std::chrono::milliseconds>(clock.monotonic().time_since_epoch());
  return {clock.now(), clock.boot_id(), since_boot.count()};
}

Moment activation_of(const Release& release) {
  return {release.activated_at, release.activated_boot, release.activated_since_boot};
}

std::optional<bool> started_before(const ServiceState& service, const Moment& activation,
                                   const std::string& boot_id) {
  if (service.started_since_boot && !activation.boot_id.empty()) {
    // What runs was started in this boot; what was activated before it is older than that.
    if (activation.boot_id != boot_id) return false;
    return *service.started_since_boot < activation.since_boot;
  }
  if (!service.started_at) return std::nullopt;
  return *service.started_at < activation.at;
}

const char* running_fact(const ServiceState& service, const Moment& activation,
                         const std::string& boot_id) {
  if (service.state == "waiting") return "current";  // what starts next is the disk
  if (service.state != "running" && service.state != "finished") return "unknown";
  const std::optional<bool> before = started_before(service, activation, boot_id);
  if (!before) return "unknown";
  return *before ? "restart_pending" : "current";
}

}  // namespace rolesync::agent
